// Package api is the desk's door for programs: everything under /api/v1 that
// concerns lookups, reasons and cases, as the OpenAPI document beside it says.
//
// The public looks names up, reads reasons and files cases. A party reads and proves
// its case with the case's token. A reviewer lists and decides with a token of the
// configuration, or over the control socket as the person that the operating system
// says is there. Errors are problems (RFC 9457).
//
// A household reads and changes its profiles, and its devices ask for names to be allowed.
//
// # Decisions
//
// An authority submits and changes orders with a token that is bound to it; where the
// configuration asks for a network or a client certificate, they are looked at before anything
// is read. A certificate is compared and its issuer not asked: the operator was handed it.
//
// Bodies are read strictly: 64 KiB, 4 MiB for orders, one document, no field that is not known. Who
// misspells narrow_to must hear of it, or the reversal is wider than was meant.
//
// Every list that has pages reads after and says next through one pair of helpers (paging.go); what a place is made of
// is the list's own affair.
//
// The routes are a table, from which the handler and the test of the document are
// both made. A wrong method is answered from the same table, as a problem with Allow.
//
// A token that opens nothing and a case that does not exist are one answer, 404. A
// reviewer's token is compared with all that there are, in constant time.
//
// Looked-up names, addresses and bodies are never logged; a log of who looked for
// what is the list of suspicions that this project refuses to keep.
//
// Whose a call is stands in one table, before every handler; a call that it does not name is nobody's. What a token is
// bound to, the handlers look at.
//
// A reply that is kept for an Idempotency-Key is sealed with key and bearer token, which we do not keep: it may hold the
// token of a case. Sessions of people are not taken here, so that no other site can make a browser call.
package api
