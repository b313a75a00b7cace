// Package steps is the page on which a party proves control of a name: the steps at the name's
// own hosts, what we found last and when we look again, the steps for whoever looks after the
// site, and a form for a document.
package steps
