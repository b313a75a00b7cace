// Package chance draws the random numbers that a forger of replies has to guess:
// IDs, source ports, the casing of names.
//
// # Decisions
//
// The octets are the kernel's, as crypto/rand has them, drawn many at once: a call
// of the kernel for each ID and each port was 6 % of a cold resolution. A generator
// of our own, seeded once, was refused: were its state to leak, so would all that
// follows. Octets are wiped as they are handed out.
package chance
