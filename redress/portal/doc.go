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
// All words stand in the templates and in words.go, so that a catalogue of languages
// can take their place.
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
// security policy forbids all else, inline styles and scripts included.
//
// The page of a block that offers a pass also loads a style sheet from, and sends a form to, a name made for this
// showing of it (redress/passing); its policy names that one. Its Referrer-Policy is strict-origin: told less,
// the other name would not see that the form comes from the portal, and only the portal's own may be taken.
//
// An unknown case, a wrong token and no token give one and the same page.
package portal
