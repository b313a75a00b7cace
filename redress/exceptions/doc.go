// Package exceptions is where the operator makes exceptions of his own, and where any exception is ended
// before its list is: with a reason, an event, and in force with the next query.
//
// A decided exception is made by the decision of a case (package redress); this package shows it beside the
// others and lets it be ended.
//
// # Decisions
//
// An exception of the operator is for lists of security and user alone. What the law orders is lifted by its
// authority, or by the decision of a case that we carried it out wrongly; an operator's wish is neither.
//
// It has a review date like everything else that outlives its reason: 90 days, or sooner where who makes it
// says so. Nothing ends by itself on that day, as a name that suddenly is blocked again helps nobody; it is
// shown as overdue until a person ends it or makes it anew.
//
// The reason is a row of its own, and the log holds its salted hash, as with all that a person writes freely.
//
// The review of a decided exception is a clock of its case, and who made it whoever decided last before it: both are read
// where they are and not copied, as the clock moves. A list has four orders, and a page begins behind a value and a
// number, so that what ends between two pages shifts nothing.
//
// The database is changed first and then what is in force. Where the second fails the answer says so, and
// [Office.Run] tries again until it is done.
package exceptions
