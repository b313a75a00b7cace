// Package statements writes statements of reasons for people: what [redress.Statement] says in words of
// closed sets becomes sentences from catalogues, in seven languages and those that an operator adds.
//
// # Decisions
//
// A statement is written in the transaction of the decision and kept with it, as the party was sent it; the
// event commits to it. A page and a letter show that one and never write it anew: whoever appeals years
// later appeals against the words that were sent. A version in another language is written when somebody
// asks for it, and says that it is one. What was refused: to write all languages at once, as six of seven
// would never be read.
//
// What a reviewer wrote is quoted as it was written and marked with its language. It is not translated: a
// translation that nobody answers for must not be what a party appeals against.
//
// The machine copy ([redress.Record]) has the names of the Transparency Database and is in no language.
package statements
