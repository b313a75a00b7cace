// Package portal is the desk's door for people: check a site, read why a name is
// blocked, contest that, and follow the case. Everything works without a script, on
// paper, with a screen reader, and on the narrowest telephone.
//
// A page answers in this order: what happened, who decided and why, since when and
// until when, what you can do now, and then the rest. One layout for each purpose
// shows it by word, shape and colour together.
//
// # Decisions
//
// All words stand in catalogues (texts/, package language). What other packages say in English for
// programs, as the ground of a block, what is wrong with a name or a proof, is said here again
// by its kind and not translated from its text.
//
// A look-up compares what lists that may be shown say with an unfiltered look-up, and never with a filtered
// one: the difference of those two would tell what is on a confidential list. The same is done for every name.
//
// The last day to contest an order is computed where the order's document says when it was published, and
// the time counts from there. From the day on which we first saw an entry nothing is computed: told
// too late a day, a party would lose its right.
//
// The block page is judged for the address that asks, as the DNS judges it. Who is no client of ours is
// told what blocks the name for somebody, but never of confidential lists. Its links lead to the portal, and a
// pass is had there, since a form sent from a blocked site's name is one from another site.
//
// Recovery words are in a cookie of their case for an hour after the filing, so that the page that
// shows them may be loaded again without filing again.
//
// A party's link carries the token once; the first page takes it into a cookie for
// that case alone and sends the browser on to the clean address, so that the token
// is in no history and no Referer. The cookie is Lax and not Strict: a Strict one
// would be missing when the link was followed from a mail.
//
// Forms are protected by [http.CrossOriginProtection], which reads where a request
// comes from, and not by a hidden value: there is no session to keep one in, and a
// form must survive a night in an open tab.
//
// Nothing is loaded but the one style sheet, at an address with its hash. The content
// security policy forbids all else, inline styles and scripts included (package page).
//
// The page of a block that offers a pass also loads a style sheet from, and sends a form to, a name made for this
// showing of it (redress/passing); its policy names that one. Its Referrer-Policy is strict-origin: told less,
// the other name would not see that the form comes from the portal, and only the portal's own may be taken.
//
// The form asks for what a stranger with nothing but a name has: a code, or another name than the code's, is folded
// away. The link to a case is shown once and cannot be sent again, so it stands before everything that can wait.
//
// At home the page of a filter leads to asking for the site (redress/household/pages), in words for whoever holds
// the device: reading a code aloud to a parent in the next room was the alternative.
//
// An unknown case, a wrong token and no token give one and the same page.
package portal
