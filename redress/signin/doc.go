// Package signin is the pages on which people show who they are: sign-in by passkey, by password and code, or by a
// provider of identities; the first account; the first sign-in of an invited one; and each person's own account.
//
// What is believed, and for how long, package accounts decides; here are forms.
//
// # Decisions
//
// Name, password and code are one form. Asked one after the other, the second question would say that the first answer
// was right.
//
// Everything works without a script but passkeys, which are nothing else. The script is one file of ours; its buttons
// are hidden until it has found that the browser can do it.
//
// The word of a link or a claim is put into a cookie at the first request and taken out of the address, so that it is
// in no history, log or Referer.
//
// The picture with the secret of an app is drawn into the page as SVG. As a file of its own the secret would have to
// be in an address.
//
// Over plain HTTP nobody signs in but on the machine itself, or where plain_sign_in permits it and the client is on the
// same network.
package signin
