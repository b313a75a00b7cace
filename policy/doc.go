// Package policy is the judge: whether a question is blocked for who asks it, by
// which of the three purposes, and what the public may know of the reason.
//
// A [Snapshot] is all that a verdict depends on beside question, client and time:
// the bundle of all lists, the overlay of decided exceptions, the table of clients.
// [Judge] is the pure function over it. The [Filter] is the stage of the query path:
// it asks what lies below without waiting, judges on the way back, and where nothing
// is there it judges the question before anything below may run. [Snapshot.Explain]
// is the same judgment with every step in words; [Snapshot.Matches],
// [Snapshot.Find] and [Snapshot.ReasonOf] serve look-up, reason pages and cases.
//
// The order is: a decided exception takes an entry out of its list; then law in
// force in the client's jurisdiction; the operator's exceptions; security; what
// names of help; the hours in which the client's profile withholds all else; what it allows; what it
// denies, the services that it switched off and the user lists that it asked for; safe search last.
// Within a step lists judge in file order, within a list the longest name.
//
// # Decisions
//
// The stage and the explanation share one hearing, so that neither can say what the
// other does not do. Weighing allocates nothing: most names that match anything at
// all match user lists of categories that this client never asked for.
//
// A memo keeps which entries match, for any client, and never who was blocked. An
// exception is therefore in force for the next query without touching the cache.
//
// Aliases are judged for law, security and the operator's exceptions, not for what
// a client asked for: households mean the names that they see. All alias targets in
// an answer are judged, whatever their order; more than 64 are a failure, because
// what cannot be judged whole is not handed on.
//
// An exception for the question lifts its list for the aliases of the question too;
// one for an alias does not lift a question that points there, since anybody can
// point a name at an exempted one. That holds for decided exceptions and for the
// operator's; the operator's never lift law.
//
// Where only something that the question leads to is withheld, the aliases on the way
// stay in the answer and what is blocked stands at their end, as RFC 6604 has it for
// response codes: the aliases are nobody's to change, and a name error for the question
// itself would be untrue. A block is answered with an SOA at the entry's name, as the
// contract says, but at the withheld name itself where the entry is an address or a name
// server, and where the list does not show its names. A cached failure passes unjudged:
// it carries nothing, and what did not validate is never rewritten.
//
// Where one list both blocks a name and lets it pass, the passthru wins: that a name is
// listed by mistake is what such a line is for. Above a longer block it does not, though
// ad blockers would: the longest name decides in every list alike.
//
// A passthru ends the search of its own step. Of law it takes the name out of its own
// list alone: one court's exemption lifts no other court's order.
//
// The name and the client are judged before anything is asked, as PowerDNS does, although
// an address rule of an earlier list could let the name pass: what a list blocks by name
// should not be told to the servers of that name. Name servers are judged at each zone
// cut before they are asked ([resolver.Query.Watch]). A resolution that ended for one
// client's sake is begun again for another that shares it, so that an order of one
// state never reaches the clients of another by way of a shared question.
//
// Rewrites of a list are blocks: they have the purpose's Extended DNS Error and code, since
// who and why is what the reader wants to know, and behind it 4 (Forged Answer) where they give
// records, which the door keeps from who reads structured errors. What a list's
// alias leads to is resolved and not judged again; it is the list's own word.
//
// Local records and servers of a zone that withhold a public name stand in for what a list
// blocks ([StandIns]); by themselves they block nothing. So jurisdiction, profile, date and
// exception end them like any block, and whom the list does not concern gets the owner's
// data, from a resolution that knows nothing of them. Refused: a purpose on the row
// itself, since law needs an order, a venue and a term that only a list has; and entries made
// of rows, which no shared cache could serve to some clients only.
//
// An answer to a client that no row admits is REFUSED with Prohibited and counts as
// the resolver's own, not as a block: nothing was judged.
//
// What an order says of itself goes before what its list says: authority, legal basis,
// jurisdiction, venues ([Match.Order]). An order for fewer jurisdictions than its list is in
// force in those alone.
//
// The date of the next review is the first sighting and the interval, and is not
// moved on by itself. A review that nobody held should look overdue.
//
// What is staged acts for a share of networks, by a hash with a key that no disk sees; who
// was in the share cannot be told afterwards. It is judged by when an entry was first seen, so
// that nothing has to be compiled for the stage to end. Its halt is decided on the query path,
// by two counters a list, because a spike must not wait for a scrape.
//
// An entry in shadow mode is weighed last and counted only where it would have counted, once
// a question. Staged and shadow entries are found by the same look-up as all others.
//
// Questions that are blocked again and again are remembered, four thousand a snapshot: the ids that
// match the name, what the snapshot says of each, exceptions among it, and the packed answer, whose TTLs do not count
// down. A blocked answer else costs five times a cached one, for the entry is read, its code made and a message
// packed; remembered it is 0.27 µs beside 0.16 between the system calls, which is 2 to 13 % of all that an answer
// over UDP takes. Whom it concerns, and when, is never remembered, and what is asked for once pushes nothing out, so
// that a flood of names below a blocked one does no harm. The rest is the probe of what lies below. Refused: answering
// before that, since an alias there may be blocked by law.
//
// Answers that nothing matches have one memo in common, so that it is at hand when the next is judged: most answers are such.
//
// What depends on the snapshot alone of an entry that matches is read once a hearing (fact.go). The counters of
// lists are looked up once a bundle.
//
// A canary is a list of its own kind: its names come from the program, its manifest from the switch in the
// configuration. So purpose, jurisdiction, consent, exception, page and case are those of any list, and nothing
// in the hearing knows of canaries. Its scope is exact, and one code stands for all of its names, since which of
// them a program asked for says nothing. A profile asks for those of purpose user by a category: who asked and
// when is then on record as for any filter. Refused: to answer them because some filter is on.
//
// A structured error is made where its client asks for it, in a whole and a brief form, of which
// the door takes what fits. Its justification names all entries that block the name for that
// client: so what is remembered of a question keeps which those were, and is answered only to whom
// they are the same, else one household's filters would be told to another. Entries are
// compared, not what they say. A secret list that decides says one sentence for all its names, and
// none where another decides. Refused: its text in the client's language, which no query tells.
//
// A verdict's steps are the order of precedence as a value, the same for every name, so that a
// terminal and a page draw one tree; the sentences beside them stay for who reads lines. What a
// step after the deciding one would have said is kept: that is the question of who wants to
// lift a block.
//
// Bedtime and pauses are no entry's: where they hold, all that law, security and help leave open
// is withheld, and so a name that nothing matches too. The operator's exceptions do not go
// before them, since they mend lists and no hour; neither does what the profile allows.
//
// Safe search comes last: a name that is withheld is withheld, and who allows an engine's host means it. Its
// end is resolved through the whole chain, this stage included, so that what the law withholds of
// it stays withheld; it says Forged Answer, and counts as what it is.
//
// TTLs are capped where the door copies the answer out ([resolver.Query.CapTTL]): the answer is
// shared by clients for whom it may last. Refused: a copy with other TTLs, which costs an allocation
// a query just where a schedule makes clients ask more often. What a jurisdiction's orders need
// (`max_ttl`) is a key of the list that has enforce_within, since the operator knows its term by that list alone.
//
// What decides between two rules is a table for people, testdata/precedence.md, and the program is held to it, both
// what it explains and what it does; an oracle that knows nothing of it judges random worlds beside it. Refused: the
// table made by the program, which would say whatever the program does. The operator's exceptions mend lists and open no
// hour in which a household's devices are offline, though they stand above what households ask for: the household
// asked for the hour and no list for the name.
//
// A pass lets one client past one entry of security, and is looked for where that entry would count and any pass exists.
// The entry is known by list, subject and scope, not by its id, so that an import ends no pass; a list that
// takes its offer back ends all of its passes at once. Refused: to pass whatever blocks a name, since a person has read one page.
//
// Codes are found by an index that the first question for a bundle builds, sixteen
// octets an entry. A code in the bundle itself would cost as much on every node,
// and only the desk is asked.
package policy
