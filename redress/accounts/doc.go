// Package accounts is who signs in: people of the desk and of a household, what shows that it
// is they, and for how long that is believed.
//
// An [Office] keeps accounts in the database. A [Gate] stands before pages: it tells them who asks
// ([Gate.Who]), keeps out who may not come in ([Gate.Require]), and asks again who it is before what
// cannot be taken back ([Gate.Recently]).
//
// # Decisions
//
// A session is 256 random bits in a cookie and their SHA-256 in the database, so that who reads
// the database signs in nowhere. Signed tokens were refused: they cannot be ended. A session is
// made anew, and the old one ended, whenever its holder shows who they are, so that one that was
// planted in a browser before is worth nothing after.
//
// An account has one role. Who does two things at a desk has two accounts, and the log says as
// which of them. An operator may do what a household may, since at home they are one person.
//
// Events name an account by its id; the name is in the table of accounts alone, and goes when the
// account is removed.
package accounts
