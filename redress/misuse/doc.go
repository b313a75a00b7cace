// Package misuse holds back, within bounds, who files manifestly unfounded cases again and again (redress.md section ii.7; Article 23 of
// Regulation (EU) 2022/2065 as a template).
//
// A reviewer says of a decision that the filing was manifestly unfounded, with gravity, intent and reasons. [Office.Weigh]
// then counts what the party filed within a year, and where the criteria are met it proposes a warning or, after a warning, for a
// filing made after it, a suspension. A person gives it, with a statement of reasons, or drops it; the party may appeal a suspension to
// somebody else. It ends by itself.
//
// Measures are events of the case that led to them ([redress.Measure]), so the party reads reasons, end and appeal on
// the page of that case, in its language, with the link that it has; the tables here are what is counted of the log, written with
// it in one transaction.
//
// # Decisions
//
// A party is known again by the registrable name of which it has proved control, and by a contact that is verified: a mailbox of
// that name. Both are kept as keyed hashes. A contact that was only written down is nobody's: whoever could have somebody else's
// address suspended, would. Networks and devices are shared and change hands; they are never asked. Who proves nothing cannot be
// suspended therefore; limits hold for them, and what they file is a report, which unblocks nothing by itself.
//
// A suspension refuses the question whether the name should be blocked, and nothing else: whether we carry a block out rightly
// is always taken, from everybody and whatever the limits; cases that were filed before go on; reporters file about the names of a suspended
// party as before, since those are not the party.
//
// Filings are counted, not cases: one filing about a name on nine lists is one. A decision that is overturned counts no more, and the
// measure that rests on it is lifted by the system, which may always help a party.
//
// A warning is proposed too, and given by a person: it is the beginning of a refusal. What was refused: to suspend at a
// number, without anybody reading what was filed.
//
// Whoever writes a suspended address into the form learns that it is suspended, as the party itself has to. Limits by network bound
// such guessing; who names no contact learns nothing.
package misuse
