// Package authority serves DNS on loopback over UDP and TCP for whoever plays the name
// servers of an Internet, the attacker's among them: all that differs is what they answer.
//
// # Decisions
//
// Every datagram has a goroutine, since an answer may be megabytes of signatures and the
// next question is not to wait for it. What does not arrive is asked for again, as on any
// network; so no error of a single packet ends anything.
package authority
