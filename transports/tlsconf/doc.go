// Package tlsconf owns the certificates of the encrypted doors and of the web.
//
// They come from files, which are read again when they change (files.go), from an
// authority by ACME (acme.go; the challenges in challenge.go and update.go), and, while
// there is no other, from a self-signed one in the state directory (selfsigned.go). [New]
// reads or makes them; [Certificates.Run] follows them in the background: it reads files
// again, orders and renews, rotates the keys of session tickets (tickets.go) and says when
// a certificate ends (alarms.go). Which one a client is shown is in set.go.
//
// A door takes one configuration for each of its protocols and never looks further:
//
//	config := certificates.Server("dot")         // DoT
//	config := certificates.Server("h2", "http/1.1") // DoH, the web
//	config := certificates.Server("doq")         // DoQ
//	listener := tls.NewListener(inner, config)
//
// What [Certificates.Server] gives may be shared between listeners and cloned, and need not
// be made again: a certificate that is replaced, and a new key for tickets, are seen by the
// next handshake. It has bounds of TLS, not of time: the door sets the deadline of the
// handshake, and asks [transports.Gate.Connect] before it begins. After the handshake the
// name for [resolver.Client.Name] is ConnectionState().ServerName, in lower case.
//
// # Decisions
//
// Handshakes read one atomic pointer to an immutable set of certificates. No handshake
// waits for a file, a lock of ours or a certificate authority.
//
// Files are compared by content every few seconds. Notices of the kernel do not follow a
// symbolic link whose target's folder is replaced, which is how Kubernetes and certbot
// renew, nor network file systems; a small file read from memory twice in ten seconds costs nothing.
//
// A key that does not fit its certificate, or a pair that ended while the one in force has
// not, changes nothing and is said once: between the two writes of a renewal that is the
// normal state.
//
// A client without a server name gets the certificate that holds the address it came to,
// else the first one: clients that discover an encrypted door by its address verify that
// address (RFC 9462, section 4.2). A name that nobody knows gets the first one too, rather
// than an alert: a client that does not verify is still better off than on port 53.
//
// The self-signed certificate keeps its key when it is renewed, so that who pinned it is
// not locked out every year.
//
// Keys of session tickets are shared by all doors on purpose: a client may come back by
// another listener of ours. They are renewed every eight hours and forgotten after a day,
// on disk they are never: whoever steals one reads TLS 1.2 sessions of a day at most.
// crypto/tls would do it by itself for one configuration only, for a week.
//
// By ACME one certificate is ordered for all names and addresses, where certmagic's own
// management orders one for each: who finds a door by its address and comes to it by its
// name verifies both in one certificate. So its issuer is used (accounts, orders, retries
// of a request, storage), and when to order is decided here: when a third of the life is
// left, half of one shorter than ten days. Its log is left out, since its errors say all;
// renewal information (RFC 9773) and OCSP are not asked for.
//
// The challenge TLS-ALPN-01 is answered at every door, because any of them may stand behind
// port 443, by a configuration of its own: who speaks its protocol gets no other
// certificate and no session. Without an order under way it leads nowhere. A door sees at
// most a connection that closes after the handshake.
//
// For DNS-01 the primary is asked and nobody else; secondaries get a fixed time to follow.
// Finding and asking all of a zone's servers would need a resolver below this package.
//
// An authority that does not answer, or refuses, costs nothing but lines in the log. While
// it has never signed, a self-signed certificate for the same names is presented: a door
// must be open for the authority to come to, and clients that do not verify are served.
//
// TLS 1.2 is spoken with forward secrecy and authenticated encryption alone (RFC 9325,
// section 4.2). The order and the curves are those of crypto/tls.
package tlsconf
