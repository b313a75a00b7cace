// Package forward hands each question to one of the configured upstream
// resolvers. It stands in the chain where resolver/recurse would.
//
// [Forwarder.Resolve] asks through recurse.Upstreams: the quickest upstream
// first, the next where one is silent or fails, over TCP after truncation. An
// answer keeps the alias chain of the question and the denials with SOA and
// signatures; what else the upstream sent is dropped. Its zone is unknown.
//
// [Hosts] looks up upstreams that are configured by name, through a Forwarder of its own
// to the bootstrap servers (hosts.go).
//
// # Decisions
//
// An upstream asked over an encrypted transport is never asked in any other way,
// whatever becomes of it: whoever can make it fail could else read along. It gets no
// cookies, which are for servers whose address anybody can claim.
//
// A name of an upstream is looked up when it is needed, not at the start, which must not
// wait for a network; and the addresses that were known serve on while the bootstrap
// servers do not answer. They are not validated: the certificate shows who answers, and
// a false address gives no answer. All addresses of a name stand beside each other for
// the order of asking, so that one that is silent costs one wait.
//
// An upstream's Extended DNS Errors go on with the answer or the failure, each
// attributed in its text as RFC 8914 asks, a block as "blocked by" the upstream's name. A refusal that names a block (15, 16,
// 17) ends the asking: going on to the next upstream would route around it, and
// whoever asks shall learn who withheld the name. Such an answer is not kept (TTL
// zero), since its reason may end at any time.
//
// An upstream that is authenticated is asked for structured errors, by both signs, whoever
// asks here: one answer is shared by all. What it says is made anew of contact, sub-error and
// justification, with its name in front of its words; over any other transport whoever is on
// the way could have written it, and it goes on as plain text alone. A sub-error that speaks of
// the operator's policy is left out, for beside our code it would be ours. The code for a block
// by an upstream has no number yet; until then theirs goes on. Prohibited (18) is no block of
// the name but a refusal of us, and the next upstream is asked.
//
// CD is set when validation runs here: an upstream that validates too would hide
// bogus data behind SERVFAIL, and our own finding with its reason is worth more.
//
// The asking itself is shared with recurse and not written twice; the folder
// order allows it, and one check of replies for both modes is what MaginotDNS
// taught.
package forward
