// Package dot is DNS over TLS (RFC 7858): the server that clients ask, and the client that
// asks other servers. What it shares with TCP, nearly all of it, is in transports/stream.
//
// # Decisions
//
// Clients need not name the protocol (ALPN), as most do not; who names others only is told
// that there is none in common. The name that they connect to is a part of who they are
// (resolver.Client.Name), and gives nobody another jurisdiction.
//
// Zones are transferred over TLS as over TCP (RFC 9103), to whoever has the right to over
// TCP: the key of the transfer decides, not the certificate.
//
// A connection may be idle for 30 seconds, three times what TCP gives: its handshake costs
// as much as a hundred answers and more.
//
// The client is strict (RFC 8310): the certificate must be good for the configured name, or
// for the address where there is none. Pins are not needed for that and would have to be
// renewed. [ClientConfig.Opportunistic] is for servers that nobody said speak TLS (RFC
// 9539), where anybody is believed and no name is sent.
//
// Queries are padded to a multiple of 128 octets (RFC 8467); replies are by the service,
// for those who pad their queries.
package dot
