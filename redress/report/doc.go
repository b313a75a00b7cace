// Package report makes what an operator publishes or hands to others from what runs.
//
// A [Teller] makes statements from a [Deployment]: that of policy and practice under the heads of RFC 8932, section
// 6.1, in any language that there are texts in, and the annex to a data protection impact assessment. Both are a
// [Statement], written as a part of a page, as text, or as JSON. [Disclosures] is the first in all languages, made once
// for each configuration.
//
// [Transparency] is the report of a period, in the sections of Implementing Regulation (EU) 2024/2835. It
// is made from a [Book]: the log of events, counted day by day. [Books] keeps one up to date
// beside a database; an auditor makes the same one from an exported log.
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
// What the program does not do is not promised: how long what a party wrote is kept is the term that erasure obeys.
//
// A deployment says what runs by kinds and numbers and in no language; every sentence of the statement is a key of the
// catalogue policy.TAG.json, with placeholders for what the operator named. So a language cannot say more or less than another, which
// a test holds to heads, rows, links, numbers and names. Names, titles and reasons are the operator's words: they are said in the
// reader's language where the operator wrote them in it, and are never translated. JSON says which language it is in; the
// IDs of heads and the purposes are the same in all.
//
// The annex is in English. It is for the operator's own people and a regulator who reads it with them, its grounds are those of
// one Regulation word by word, and seven versions of it would have to be held together by lawyers. Refused: an annex half
// in another language, by the sentences that it shares with the statement.
//
// The report is a fold of the log, and its state is written down now and then, so that a year's report over
// millions of events reads only what is new. The same events give the same octets, in one go or in parts; audit
// verify makes the book anew and compares. Refused: sums by SQL over tables of cases, which an auditor
// who has the log alone could not repeat.
//
// Counts are kept by day, so that any period is a sum. Lengths are counted in steps that grow with them; a median is then
// exact to the step, and the same however the log was read.
//
// What came in is held to what is closed and what is open, which are counted apart, a purpose and a list. Where
// they differ there is no report at all: a wrong number that is published is worse than none.
//
// The report's data is in no language: titles and columns are keys that happen to read as English, in JSON and
// CSV alike. The page says each in the reader's language from a catalogue whose keys they are; a test holds the
// catalogue to the tables.
//
// Cases about nothing and cases about secret lists have one purpose, undisclosed, and no list. Their sum says
// neither how many there are of which.
//
// The report of a desk goes on from what was counted; recourse report --recount reads the whole log, as does audit
// verify, which compares. Both ask the log for the past of a case that is closed, so that memory does not grow with cases.
package report
