// Package report makes what an operator publishes or hands to others from what runs.
//
// [Disclosure] is the statement of policy and practice under the heads of RFC 8932, section
// 6.1; [Assessment] is the annex to a data protection impact assessment. Both are a
// [Statement] made once from a [Deployment], and written as a part of a page, as text, or
// as JSON. The transparency report, recomputed from events, is to come here too.
//
// # Decisions
//
// One value and one inventory of data for both texts, so that what the public reads and what a
// regulator reads cannot differ.
//
// Entries are definition lists and not tables. A table of five columns cannot be read on a
// telephone or by a screen reader that is asked about one cell.
//
// Where a list comes from is told by host or zone. An address may hold a key, and the file's
// name is nobody's business.
//
// Of secret lists there is one entry for each authority and act, the same for one list and
// for ten: it tells neither how many there are nor what they are called.
//
// What the program does not do yet is not promised. The term of what a party wrote is said as
// it is today, until erasure runs by itself.
package report
