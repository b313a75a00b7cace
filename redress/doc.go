// Package redress is the way back for whoever was blocked by mistake: a [Case]
// contests one entry, a filing opens a case for each entry that blocks a name, and
// the [Desk] is the one place where cases are filed, proved, shown and decided.
//
// Every case asks two questions, each with its own state and clock: did we carry
// the block out rightly (always ours to answer), and should the name be blocked at
// all (ours for security and user, the authority's for law). What a reviewer may
// answer is a table ([Rules]), not code. Whatever happens is an [Event], appended
// and never changed, chained to the one before it by its hash.
//
// A decision that lifts a block writes its event, its exceptions and a note in the
// outbox in one transaction; then the [Effect] puts the exceptions in force, and
// the note is settled with when that was. A crash in between is mended by
// [Desk.Settle], which runs at start and again and again.
//
// The folders: orders takes in what authorities order, store keeps cases, proof finds out who controls a name, outbound connects
// to what strangers name, api and
// portal are the two doors, for programs and for people; statements writes reasons for people; page and language are what all pages share.
//
// # Decisions
//
// A filing answers in the same shape and does the same work whether or not anything
// blocks the name. A case about nothing, and a case about an entry of a secret list,
// look alike to the party: the state submitted, then closed, and never the outcome.
// What was refused: to answer "no such block", which would let a list be searched
// by filing.
//
// The token that opens the status page and the value of the TXT challenge are two
// secrets, not one. The challenge is published in the DNS by design; whoever reads
// it there must not be able to read the case.
//
// Texts that people write (explanation, contact, facts, ground) are rows of their
// own, and an event holds only a salted hash of each. They can be erased when their
// time is over and the chain of events still proves what happened.
//
// The statement of reasons that a party is sent is written in the transaction of the decision, by whoever
// implements [Statements], and is one more text that the event commits to: it cannot be changed later, and
// is kept with facts and ground. Of a case that the party may not know of none is written.
//
// Whether a decision is in force at every node after 15 minutes is a clock of the case. The party is not shown which
// nodes were late, but from when each has it, which its decision says.
//
// Of an authority without a mail address we know that a dossier was sent only from the person who sent it. So its clocks begin
// with that word, and a clock of a working day waits for it. The party reads that it was sent when it was.
//
// That the account holder of a user list is asked first is an event and a deadline, not a state: a state
// would be one more place where a case can wait for somebody who is not ours. It says that the party was told to ask,
// also at home where one tap asks: what a household's devices ask for, and whether they did, stays in the household, and
// a note in the case would show it to whoever reads cases.
//
// A merged case hears of the one that stands for it by a clock of that one, as an event of its own with the
// reasons copied: so its party has a statement in its language, keeps it when the other is erased, and may
// appeal, to be decided by another person than who decided the first. Cases about secret entries are not
// merged, as those about nothing never are.
//
// A list's publisher is told of a day's reversals together, when the day is over: a name, a number and a
// day tell nothing of who filed, which a mail a minute after a decision might.
//
// Deciding the merits does not answer whether we implemented rightly, and the other
// way round; each keeps its clock. Only a reversal ends both, as nothing is left to ask.
//
// What may be done is one table, [Rules], of who may take which step from which state, what it does
// to the clock, and whether it lifts or ends exceptions; testdata/steps.txt has every pair of state
// and action to be read. What was refused: methods that each know some states.
//
// The clerk ([Desk.Run]) serves clocks that are rows beside the cases. A clock goes in the
// transaction that did what it asked for, so that several nodes serve it once. It asks, tells and
// unblocks; a party's silence of 14 days, or an interim relief of 72 hours, it only brings before a
// person. Two feeds of different publishers that list a lifted name anew do block it again at once:
// that is a new block, and its case is open again with 4 hours to look.
//
// A lifting decision takes the place of what the case had lifted before, so that one case never
// leaves two exceptions that contradict each other.
//
// A party whose case is about nothing, and one whose case is about a secret entry, see the same
// states after the same words, and the same authorities named in the end: those of all secret lists.
//
// A lost link is had again by six printed words of 96 bits, or by a record in the DNS that is an
// HMAC of case, name and a secret that we do not keep. So to begin a renewal reads and writes
// nothing, and does not tell whether there is such a case. It works where control was proved
// before: what a mere reporter wrote is not the owner's to read.
//
// Who decided is compared as people are (blocklists.Person), for appeals, reading again and
// contacts. Which decisions are read again follows from a hash of case, question and time, which
// anybody can check and nobody who decides can choose.
//
// A proof of control opens cases for what blocks names below, and nothing does before: who has proved nothing must not
// open cases about names that he chose, and learns a number. They are cases of the same filing, so one token, one proof
// and what was written serve them all, with clocks that begin with the proof and routing of their own. A public suffix, ICANN's or
// private, is never crossed, and a file or a page, which are of one host, open none; nor does a report. An open case of another
// filing whose party has proved control too is linked in the place of a new one; one of whoever proved nothing
// is not, as it would make the owner wait. Entries of secret lists are left out before anything is counted. What was
// refused: a case for all names below together, of which a decision would have to name parts; and to open cases later for what a
// feed lists after the proof, which the party is told as still blocked and may contest.
//
// To uphold the merits of a law case records why it was referred, and its state
// stays referred. To reverse or narrow there is refused with [ErrReferred].
package redress
