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
//
// Attempts in vain are counted in the database, so that a restart forgets none, by account and by network under a key
// of the day. A browser that was let in before is counted apart: a lock that strangers can shut is worse than none.
// Whatever is wrong, one hash is made and one answer given.
//
// All keys are made from the deployment's key, which every desk of a deployment has and which is backed up anyway. A key
// file of its own would be one more thing to lose, and with it every second factor.
//
// What a browser keeps of a ceremony is sealed, and each challenge is taken once: nobody who is not known yet makes the
// database grow by asking.
package accounts
