// Package rewrite is safe search: which hosts of search engines are answered with another
// of the engine's own, where somebody asked for that.
//
// The [Table] is read once from the data beside this package; a [Choice] is what one
// profile wants of it. Policy resolves a [Target] as any name, and judges it as one.
//
// # Decisions
//
// Hosts are taken exactly. What lies below them, and the engine's other services, has no
// safe form; a household that wants mail.google.com gone denies it.
//
// `safe_search: true` is every engine, YouTube in its moderate form: strict takes so much away
// that it is seldom what was meant, and is a word of its own.
//
// Only A, AAAA, HTTPS and SVCB are rewritten. Other records say nothing of where a page is
// fetched, and a made-up alias would take the mail servers of an engine with it.
//
// Yandex names one address and no name, so that it has no AAAA and no HTTPS record then.
package rewrite
