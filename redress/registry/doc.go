// Package registry asks the registry of a name whom it knows as the name's contacts, and since when, by RDAP
// (RFC 9082, RFC 9083). Which server to ask stands in the bootstrap file of IANA (RFC 9224).
//
// # Decisions
//
// The bootstrap file is fetched when it is first needed and kept for a day, or longer where it
// cannot be had. To build one in was refused: it would be old before the first release is.
//
// Both fetches go through package outbound, as a registry's answer chooses no address of ours,
// and a bootstrap file that somebody forged would choose any.
//
// Most registries withhold mail addresses. That is no error: there is then no contact.
//
// Age is that of the registrable name, and of the last time it was registered. Below a suffix of the list's
// private part (sites of many, one name each) no registry knows a tenant, so the age stays unknown: the host's
// own would make every new tenant look old.
package registry
