// Package sealed is a file of records that nobody can read who has not the key: what must
// outlive a restart and is nobody else's business, as whose address is whose.
//
// # Decisions
//
// A file is a header and frames, each sealed by itself (XChaCha20-Poly1305, nonces by
// chance) with its place in the file and the file's own number, so that none can be left out
// of the middle, moved, or brought from another file. Records are appended as things change,
// and the file is written anew when most of it is out of date. AES-GCM was refused: its
// nonces are too short to be left to chance, and a file whose end was lost must not use
// one twice.
//
// An end that was cut off in the middle of a frame is what a lost process leaves: it is taken
// away. Whatever else is wrong is damage: what stood before it is used, and the file is kept
// aside for people.
//
// The key is a file of its own beside it, or what systemd hands out as a credential, which
// may be bound to the machine's TPM. Whoever copies the one file without the other has
// nothing.
package sealed
