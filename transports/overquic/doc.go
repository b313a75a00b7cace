// Package overquic is what DNS over QUIC and over HTTP/3 share: the server's sockets,
// admission, connections and streams, and a client's pool of connections. A request is all
// that a client sends on one stream. What it means is its application's to say: transports/doq
// and transports/doh.
//
// # Decisions
//
// A stream is answered when its end has come, not as soon as a message could be read: the
// end tells that there is no second one, and both protocols allow to wait for it. A callback of
// the library's says at once, without waiting, whether it has come. So a connection's one
// goroutine reads its streams one after the other without a goroutine for each; only what has
// not all come is waited for beside it, within a bound and for five seconds.
//
// The chain runs on a worker a core, to which connections hand what they have read, each to
// its own. Run on a connection's goroutine it made the stack grow to 16 KB, which an idle
// connection kept: 72 KB of memory each and not 56. It costs 1 µs a query.
//
// The library is quic-go, as it is. Of 12 µs of processor time for a cached answer (ten
// connections; the tests of transports/doq and doh have the allocations) it and the kernel take
// eleven. Its sockets are replaced: reads and writes with the system calls themselves, since by
// package net and x/net each datagram allocated its address twice; that saves a tenth. An error
// on reading is waited for to pass: the library would end all connections. Refused: a
// changed copy of the library, to pool its 26 allocations a stream.
//
// Until 128 handshakes are under way, or 256 have begun in a second, addresses are believed;
// then clients prove theirs first by a Retry packet, which costs them a round trip (RFC 9000,
// section 8.1.2). Asking always would cost everybody one. Above 1024 nobody is let in. Places
// for connections are taken from the gate before the handshake and given back after it fails.
//
// Early data (0-RTT) is taken; requests say that they are early, and the application refuses
// what must not be done twice. Clients send none: whoever repeats it learns what was asked for
// by what it changes.
//
// One socket serves four cores; a server with more cores has more sockets, which share the
// address (SO_REUSEPORT). The kernel chooses by the client's address and port, so that a client
// whose address changes may come to another socket, which does not know its connection; it is
// told so by a stateless reset, whose key all sockets share, and connects anew. With one socket
// it goes on (RFC 9000, section 9), and is judged by its new address. Refused: to pass packets on
// between sockets by the connection's ID, which is worth it from eight cores on.
//
// Path MTU discovery is off: what it finds is for replies of many packets. Windows are small,
// since queries are: 4 KB a stream, 32 KB a connection at first. 64 streams may be open. A reply
// that fits a packet is handed over whole whatever the client has room for; a longer one at once if
// it has room, else beside, in one of the gate's places and for five seconds. A client that
// cancels 256 requests more than it lets us answer is one that attacks (rapid reset).
//
// On close no more streams are taken, what was taken is answered for 700 ms, and 50 ms
// later the connection ends without an error: the library does not say when replies have left.
package overquic
