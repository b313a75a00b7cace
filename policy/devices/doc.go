// Package devices is the devices that have a name of their own: one that each connects to,
// as a path of DNS over HTTPS or as a label of a server name, or on the local link its
// hardware address, which a person has named.
//
// # Decisions
//
// A device's name is a token of 128 bits from the system's source, that is told once, to who
// asked for it. Kept is its SHA-256: the token has no more order than the hash, so nothing
// is won by a slower one, and a query is answered for each. It is the same token in the path
// and in the server name. The path is the better place: nobody on the way sees it, whereas a
// server name stands in clear in the first packet of TLS.
//
// To revoke a token is to take the device away: the next query finds nothing, on connections
// that are open too, since each query is looked up.
//
// Devices are found without a lock, in 256 tables by the first octet of the hash, of which
// one is copied for each change. Refused: sync.Map, which would allocate for each look-up.
package devices
