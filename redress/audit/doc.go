// Package audit lets anybody find out whether the log of events is still what it was.
//
// The events of redress are one chain: each commits to the one before it. A [Signer] signs the
// hash of the newest one, a [redress.Head], and a [Publisher] publishes it every hour. Whoever
// kept a head holds the log to it with a [Checker]: what was changed, removed, cut off or forked
// since does not lead to the same hash. docs/audit.md spells the construction out, for auditors
// who use nothing of ours.
//
// # Decisions
//
// A head is signed text of five lines, and JSON around it. A verifier needs SHA-256, Ed25519 and
// a JSON reader. Refused: a Merkle tree, whose short proofs of one event nobody has asked for,
// and which a page of Python does not verify.
//
// A head of every hour is published although nothing happened: that there is none says that the
// desk stood still, which an auditor wants to see.
//
// The head in a receipt is signed at that moment and published nowhere. It is the party's own: an
// operator who rewrites the log cannot know which heads are held against it.
//
// The key signs what takes its place. One that was lost cannot, and then the new one vouches for
// itself: a [Checker] says so and fails, until the auditor is given the new key by another way.
//
// What happens to lists and configuration goes through a [Queue] on the disk also while the database
// is there: one way in, that is tried every day, and not a second one for bad days that nobody tries. Events have
// numbers in their queue, and the log remembers up to which it has them, so that each comes in once. A node without a
// desk has a log of its own all the same, and the desk has what is in it once more ([Log.TakeOfNode]), under subjects that
// have the node's name: told by number, and by the hash of the log's first event, which is another where a node was set up anew. Refused:
// to give its queue to the desk alone, for then what people release at the node would be nowhere while the desk is away. What people decide is appended in the transaction of the decision.
//
// All secret lists are one subject, and their versions are told as a hash under the deployment's key. A hash of the
// text alone would let whoever has a list that leaked find out whether it is ours.
//
// An exported log is lines that carry the content as the octets that were hashed. Refused: to nest it as JSON,
// which programs that read and write it again do not keep octet by octet.
package audit
