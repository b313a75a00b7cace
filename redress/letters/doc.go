// Package letters writes what a party, and whoever watches a name, gets by mail: in their
// language, as text and as HTML that says the same, from catalogues of texts.
//
// A [Writer] turns an event of a case into messages for the outbox of package notify, which
// are queued in the transaction of the event.
//
// # Decisions
//
// A letter never has the link that opens the case: a mailbox is read by more than its owner,
// and for years. It names the case and its page, which asks for the link.
//
// Of a case about nothing, or about an entry of a secret list, a letter says what its page
// says: that it is here, and that it is closed.
//
// A decision's letter holds the statement of reasons as it is kept with the decision, and adds nothing to it
// but what else blocks the name.
//
// One letter an event, with a key made of the event: what queues it twice sends it once. What
// is the same for all cases of a filing is told once, with the first.
//
// HTML is made from the same parts as the text, by a template that escapes all of them, with no
// picture, style sheet or link but to the portal. A letter that is only HTML was refused, and one
// that shows more in HTML as well.
package letters
