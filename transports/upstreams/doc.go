// Package upstreams asks servers over whichever transport they are configured with or found
// to have: it is what recursion, forwarding and the command query send their questions
// through, above the clients of transports/do53, dot, doh and doq.
//
// [Client] hands each question to the client of its server's transport (client.go).
// [Opportunistic] stands before it for authoritative servers, which nobody configures: it
// tries whether they answer over TLS, and asks those that do in no other way (RFC 9539;
// opportunistic.go, standing.go).
//
// # Decisions
//
// A Client never tries another transport than the server's. Who can break an encrypted
// connection is on the way, and falling back would hand him the questions. Only what is
// opportunistic from the start falls back, since there the plain question is what would
// have been asked anyway.
//
// A probe repeats a question that has just left in plain text: it tells nobody anything
// new, and an answer to it shows more than a handshake does, since some servers have TLS
// on the port for something else, or refuse there. It runs beside the plain question,
// which it never delays. Refused: to race both for an answer, as that would send each
// question twice for good.
//
// What is known is kept for each address: three days after the last answer over TLS, a
// day after a failure (RFC 9539, section 4.3). A server that answered over TLS before and
// fails is asked in plain text within the same exchange, with a third of its time, so
// that a resolution fails no oftener than without.
package upstreams
