// Package scenario plays .rpl files: scripted upstream servers, questions, and the
// answers that must come of them. It is test-only: nothing but tests may import it.
//
// [Read] reads a file, [Scenario.Play] runs it inside a bubble of testing/synctest
// against the chain as the program wires it, local names, cache, validation and
// search, with the scripted servers in the place of sockets. The clock of the bubble
// stands still while anything runs, and TIME_PASSES moves it.
//
// The format is that of Unbound's testbound and of Deckard. A file has a CONFIG
// section with one "key: value" a line (config.go lists them; an unknown key is an
// error), then SCENARIO_BEGIN with a title, ranges and steps, SCENARIO_END. A range
// holds the entries that the servers at its ADDRESS lines answer from while the steps
// of its numbers run; the first entry whose MATCH fits counts:
//
//	RANGE_BEGIN 0 100
//	ADDRESS 198.51.100.3
//	ENTRY_BEGIN
//	MATCH qname qtype             opcode, qname, qtype, question, subdomain, flags, TCP, UDP, DO, noedns, ednsdata, case
//	ADJUST copy_id copy_query     also do_not_answer, sleep=SECONDS
//	REPLY QR AA NOERROR
//	SECTION QUESTION
//	www.shop.example. A
//	SECTION ANSWER
//	www.shop.example. 300 A 192.0.2.10
//	ENTRY_END
//	RANGE_END
//
// Steps are QUERY, CHECK_ANSWER, CHECK_OUT_QUERY, REPLY, TIMEOUT, TIME_PASSES ELAPSE,
// NOTHING. MATCH of an answer knows all, opcode, rcode, flags, question, answer,
// authority, additional, ttl and ede=CODE. EXTRA_PACKET begins another packet of the
// same reply; HEX_ANSWER_BEGIN and HEX_EDNSDATA_BEGIN hold octets.
//
// What nobody else has is below, and a file without it may be played by others.
//
//	ZONE_BEGIN shop.example. ecdsap256 nsec3
//	@ NS ns
//	ns A 198.51.100.3
//	www A 192.0.2.10
//	ZONE_END
//
// A ZONE is answered for as a good server would, at the addresses of its name
// servers; entries of ranges come first. Its parent's ZONE gets NS, glue and DS of it
// unless it has NS or DS for that name itself. The words behind the name sign it
// (ecdsap256, ecdsap384, ed25519, rsasha1, rsasha1-nsec3, rsasha256, rsasha512,
// bits=N, single, standby, digest=N, fake-algorithm=N), choose its denial (nsec3,
// iterations=N, salt=HEX, optout, compact), or say what is wrong (island, wrong-ds,
// extra-ds=N, no-keys, no-zone-key, revoked, colliding=N, no-denial, and the faults
// expired, early, reversed, bad, missing, labels=N, signer=NAME, tag=N, algorithm=N,
// ttl=N, lasts=SECONDS, each for all types or with /TYPE,TYPE for some), or have its
// entry keys roll: roll=STEP:KEYS, where KEYS are letters, of which a is the key that a
// DS or an anchor stands for; in upper case one that does not sign, behind "!" one that
// is revoked. With "rollover: yes" in CONFIG the keys of anchors are followed.
//
// In an entry ADJUST from_zone begins with what the ZONE says; DROP TYPE [owner] and
// DROP RRSIG/TYPE [owner] take records out of that, the sections add to it, and SIGN
// zone. [fault] [times=N] signs what has no signature. ADJUST also knows unreachable,
// wrong_id, lower_case, cookie, wrong_cookie and no_opt; MATCH also upper_case,
// cookie, option=N and no_option=N of queries, ede=any, ede=none, has=TYPE and
// lacks=TYPE of answers. Further steps are CHECK_NO_OUT_QUERY, CHECK_NO_ANSWER,
// CHECK_OUT_COUNT and CHECK_TOTAL_COUNT with the least and the most. A step may end
// with ADDRESS: the client's of a QUERY, else the server's.
//
// testdata holds the scenarios, a folder a subject. testdata/PENDING names those of
// what is not built yet, which must fail.
//
// # Decisions
//
// Zones are signed while the scenario runs, with keys derived from their names. A
// file with signatures in it cannot be read, and ends when they do; a fault is one
// word where it would else be a page. Keys are the same at each run, so that two
// transcripts can be compared.
//
// The chain is joined here as in the program's build.go, since nobody may import
// that. Policy is left out: it has tests of its own and knows no servers.
//
// A query that nothing is said about is met with silence, not with SERVFAIL as
// Deckard does: then REPLY and TIMEOUT can decide about it, and an address that a
// scenario forgot shows as a time-out in the transcript.
//
// Signatures and denials in an answer are compared only where the expected answer
// lists some. Whoever wants to know that they are there writes has=RRSIG. Most
// scenarios ask with AD and without DO, so that what is compared is what is read.
//
// An own generator that would write all files from a table was refused: the files
// are what people read and change. Whatever wrote them first is not kept.
package scenario
