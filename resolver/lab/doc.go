// Package lab is a miniature Internet: a signed root, top-level domains and
// zones on several name servers, good ones and bad ones, all in this process.
//
// [New] builds it. It answers in memory, as an upstream of the resolver
// ([Internet.Exchange]), or over real sockets on 127.42.0.0/16
// ([Internet.Serve]). The two are the same code below the socket, so that a
// scenario found with one is a test with the other. A resolver enters through
// [Internet.Hints] and trusts [Internet.Anchors]. [Internet.Names] lists what
// there is to try and what a validating resolver has to make of it. With
// [Internet.Updates] an RFC 2136 client such as nsupdate changes zones while
// they are served.
//
// The world is written as zone files (world.go and its neighbours). Who serves a
// zone follows from it: whatever address the names of its NS records have. A
// delegation follows too: a parent gets NS, glue and DS from the child unless its
// own text says otherwise. Data of a zone is immutable and swapped whole at an
// update; records that sign or deny are made when they are first asked for, with
// keys that are made when first needed, and kept until the data changes.
//
// # Decisions
//
// Signing is lazy. A hundred signed zones with thousands of records would cost
// seconds at every start of a test, and most are never asked. A test that
// resolves two names pays for two chains of trust. The price is that an error of
// a key can show in an answer only; it is SERVFAIL there.
//
// A signature is made anew when it is half a day old and begins a day in the
// past, so that a lab that runs for weeks, and a test whose clock jumps, both see
// signatures that hold. Keys have no time and stay.
//
// Mistakes are data: a zone has one [Fault], an address one [Conduct]. Servers
// with code of their own for each mistake were refused, because then a mistake
// would come with a second, accidental one.
//
// Truncation empties a reply. A server may keep what fits (RFC 2181, section 9),
// but a resolver must not use it, and an empty one is what catches those that do.
//
// Addresses are 127.42.0.0/16 in memory as well, so that one set of zone files
// serves both. There is no IPv6, because loopback has one IPv6 address only.
package lab
