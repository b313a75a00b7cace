// Package browser shows pages to a real browser, as people see them: on a telephone and on a desk,
// with scripts off, by keyboard, and to the eyes of axe, which holds them to WCAG 2.2 AA. Pictures of all pages
// are kept in build/pages.
//
//	b := browser.Start(t) // one for all of a package's tests; skips where there is no Chromium
//	for _, width := range browser.Widths() {
//		v := b.Open(t, browser.Options{Width: width})
//		v.Go(server.URL + "/")
//		v.Type("#name", "shop.example")
//		v.Submit("#name")
//		v.See("blocked", "This name is blocked here")
//		v.Walk()
//	}
//
// # Decisions
//
// axe-core is in testdata as it is published (MPL-2.0), and goes into test programs alone. It is a
// judge of many years' standing; a judge of our own would agree with us.
//
// Scripts are off while a page is used, and on for the moment in which axe looks at what is there.
//
// Every visit has its own cookies, so that tests do not sign in for each other, and all share one browser.
package browser
