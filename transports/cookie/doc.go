// Package cookie makes and checks the server's part of DNS cookies (RFC 7873) as all
// servers do that want to understand each other's (RFC 9018): who sends one back has
// received it, so that the address of his query is his own.
//
// # Decisions
//
// A cookie is version, time and a SipHash-2-4 over both, the client's part and the
// client's address. Nothing is kept of any client. One that is half an hour old, or was
// made with a secret that is on its way out, still proves the address and is renewed.
//
// SipHash is written out here: 30 lines that the vectors of RFC 9018 hold to. The
// libraries that there are have several sizes, assembly and a licence of their own.
//
// Secrets are 16 octets in hexadecimal, one a line. The first makes cookies, all check
// them: a fleet first learns a new secret on its second line, then has it moved to the
// first, then drops the old one (RFC 9018, section 5).
package cookie
