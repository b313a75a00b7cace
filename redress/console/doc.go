// Package console is the desk's door for staff: the queue by deadline, one case on one page with the facts
// first, and everything else that can make a name stop or start resolving: holds, orders, lists, exceptions.
// Beside it stand what an auditor, a regulator and an authority look for, and the helpdesk's one question:
// what does this code mean.
//
// Who is signed in comes from a [Gate]; what each role may do is one table, routes.go, which a test walks
// whole. The pages are in English, denser than the public ones, and work without a script, with a
// keyboard, and on the narrowest telephone.
//
// # Decisions
//
// The table of routes names the roles beside each path. What was refused: a check in each handler, which
// one handler would one day lack; and a role that contains another, which nobody can read off a table.
//
// An authority sees its own pages and nothing else, so that its account is no key to what other authorities
// ordered, nor to who contests.
//
// Everything that is decided, released or ended goes through the same methods as the API and the commands:
// the console holds no rule of its own and writes to no table.
//
// Accounts are shown and not changed here. To let somebody in takes the machine, so that an operator's browser that
// was taken over makes no account that outlives it.
//
// A form that was refused comes back whole with what was typed, also where somebody else was quicker: a
// statement of reasons takes an hour to write and a colleague's click must not cost it.
//
// The page of a case carries the number of its last event through its forms. Who decides what has moved
// meanwhile is shown what moved, and decides again or not; that one of two wins is the store's affair.
//
// Every row of a table, every fact and every chart is a value made in Go and drawn by one template each, so
// that hostile text has one way into a page, through the escaping of html/template.
package console
