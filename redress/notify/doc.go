// Package notify tells people: by mail and by webhook.
//
// [Queue] writes a message into the outbox of the one database, in the transaction of the
// event that it tells of. A [Worker] sends what is there: it is woken by the commit, keeps
// the order of each recipient, tries again with growing pauses, and gives up after days. An
// [Alarm] is told to whoever is on call when it begins and ends, and again while nobody
// acknowledges it. [Mailer] and [Webhook] are the two ways.
//
// Texts are their owners'; this package makes them harmless: one line for a subject, no
// control characters, no more than so many octets.
//
// # Decisions
//
// A row in the event's own transaction, rather than a message sent when it is committed: a
// crash between the two would lose one of them. The price is that a message may leave
// twice, when the crash comes between the other side's word and our note of it; then it has the
// same identifier. SMTP has no better to offer.
//
// Who is on call stands in the row as a duty, not as an address: a message that waits while
// the configuration changes goes to who has the duty when it leaves.
//
// One lane a recipient and way. Order matters to who reads (an alarm's end behind its
// beginning), and a recipient that is out of order holds up nobody else. Refused: one
// queue for all, in which one dead mailbox would hold up whoever is on call.
//
// What is personal in a message is erased with its delivery, in the same transaction. The
// key stays for 90 days, so that what queues it may be repeated; owners put nothing personal there.
//
// A refusal of the recipient or the message is final, a refusal of us is not: credentials and
// sender are the operator's to mend, and until then nothing may be lost.
//
// Mail that comes back (RFC 3464) is handed over by the mail server, through a command that reads
// it from standard input. To fetch it from a mailbox was refused: it would be one more password, one more
// parser of a stranger's protocol, and a mailbox that is full is noticed by nobody. A report is believed for what it
// can do: it names a message by 130 random bits, and ends what was written to that recipient.
//
// Failures are told by their class and number. What a mail server says in words repeats the
// recipient, and a webhook's address may be a secret itself.
//
// Mail and webhooks name hosts that the operator wrote down, so that a mail server may have any
// address. A webhook's host may be a name in somebody else's zone: private addresses want the
// operator's word. Both go through package outbound, where the address that was judged is the one that is dialled.
package notify
