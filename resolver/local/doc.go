// Package local answers what needs no network, and changes what must not reach a
// client as the network gave it.
//
// [Stage] stands above the cache: it tells clients of this resolver itself (discovery.go:
// its encrypted doors and RESINFO, under resolver.arpa and its own name), refuses questions that have no answer (refuse.go;
// RD=0, zone transfers, other classes than IN, types that are no data), answers the
// operator's own records (records.go, own.go) and for the name of its pages (portal.go), and then the special-use names of
// RFC 6761 and its followers with the reverse zones of RFC 6303 (special.go). Zones
// whose servers are configured win over special ones.
//
// The other stages stand below the cache, which keeps what they make: [DNS64] makes
// IPv6 addresses for clients behind a NAT64 (dns64.go, prefix64.go, reverse.go),
// [Rebinding] takes private addresses out of public names (rebind.go), [Reporter] tells a zone's agent what failed
// (report.go), which a [Watch] learnt from replies (agents.go). [Quiet] hides Extended DNS Errors that are not policy's.
//
// # Decisions
//
// A special name that must not be asked of the world is NXDOMAIN or NODATA with a
// synthetic SOA, so that stubs cache it, and is never signed: a validating client
// treats these names as insecure by its own configuration. Zones below arpa are
// delegated there without DS, and that question alone is asked of the world.
//
// Nearly no name lies under a top-level domain of which anything is local, so a table of last labels goes before
// the look-up of each label.
//
// RD=0 is REFUSED with Extended DNS Error 20 rather than answered from the cache:
// what others asked before is nobody's business (cache snooping). A network that is
// named may look into the cache; nothing is fetched for it.
//
// What is told of the doors has AA set, which clients of RESINFO demand, and is given
// without RD. Its target is the name of the certificates, never resolver.arpa, and each
// door and port is a record of its own: a client that cannot use one tries the next.
// Addresses are told as hints and as records; that of a listener on all addresses is not
// known here. At the doors' own name nothing else is answered but SVCB below _dns and
// RESINFO: the rest is its owner's. The records are unsigned; RFC 9606 accepts the
// encrypted connection to the name itself as proof.
//
// Local records stand only at special names, reverse names of private addresses and
// names that the operator calls his own. For any other name they would withhold what
// its owner published: a block without purpose, reason and way back. Unbound's and
// dnsmasq's habit of blocking with local data was refused for that. Records that stand in
// for what a list blocks are those of another Stage, which package policy asks.
//
// The name of this machine's own pages leads to the machine, at the addresses of the link that the question
// comes from ([Portal]), where the name is one that local records may stand at. So a home needs nothing in its
// router for dns.home.arpa. Names of the public DNS are never answered so: their owner says where they lead.
//
// DNS64 makes nothing for CD=1. RFC 6147 demands that for DO=1 only; one answer for
// both keeps the cache's key small, and who sets CD without DO validates nothing and
// loses an address. What is made has no AD: section 5.5 would allow it, but the
// record is ours and nobody can prove it. Private IPv4 addresses are embedded in the
// well-known prefix too, as all peers do, though RFC 6052, section 3.1, forbids it.
//
// A reverse name of the NAT64's prefix is an alias to that of the IPv4 address, the
// second way of RFC 6147, section 5.3.1. Giving the PTR to the IPv6 name itself, as
// one peer does, hides from clients and from policy what was asked.
//
// Whether a name may have private addresses is decided by the question, not by the
// owner of the address: an attacker's alias to an internal name would be the way
// in. The answer says so with code 0: 15 to 17 are for who withholds a name, 4 for
// data that was made up, and this is neither.
//
// Errors are reported (RFC 9567) only for codes that tell a zone's owner something
// of the zone, each once an hour, 60 a minute in all: whoever can break a zone can
// have us ask questions of a victim's servers.
package local
