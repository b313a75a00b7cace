// Package forward hands each question to one of the configured upstream
// resolvers. It stands in the chain where resolver/recurse would.
//
// [Forwarder.Resolve] asks through recurse.Upstreams: the quickest upstream
// first, the next where one is silent or fails, over TCP after truncation. An
// answer keeps the alias chain of the question and the denials with SOA and
// signatures; what else the upstream sent is dropped. Its zone is unknown.
//
// # Decisions
//
// An upstream's Extended DNS Errors go on with the answer or the failure, each
// attributed in its text as RFC 8914 asks. A refusal that names a block (15, 16,
// 17) ends the asking: going on to the next upstream would route around it, and
// whoever asks shall learn who withheld the name. Such an answer is not kept (TTL
// zero), since its reason may end at any time.
//
// CD is set when validation runs here: an upstream that validates too would hide
// bogus data behind SERVFAIL, and our own finding with its reason is worth more.
//
// The asking itself is shared with recurse and not written twice; the folder
// order allows it, and one check of replies for both modes is what MaginotDNS
// taught.
package forward
