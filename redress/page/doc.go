// Package page is what all pages share: the layout, the one style sheet, the choice of the
// language, forms, charts, the marks of the purposes, pages that say what went wrong, and the
// headers that keep a page from being stored, framed or told about.
//
// A [Kit] is made once from the operator's configuration. Each door makes its [Pages] from its own templates
// and texts ([Source]); every template defines "content", whose dot is what is given to [Pages.Write]:
//
//	{{define "content"}}
//	<h1>{{say "home.title"}}</h1>
//	{{template "problems" .Mistakes}}
//	<form action="/" method="post">
//	{{template "field" (field "name" (say "home.name") .Name .Mistakes "hint" (say "home.hint"))}}
//	<button>{{say "home.check"}}</button>
//	</form>
//	{{end}}
//
// The functions of templates: say, count, rich and word (see package language); moment, day, machine, duration
// and number; name (a domain name with its A-label), link, bare, field, choice, and language. The shared templates:
// badge (a purpose's mark), time, problems, field, choices, chart.
//
// # Decisions
//
// A page is rendered whole or not at all: half a page about a block says something that nobody meant.
//
// A language that the reader chose travels in the links and forms of the page (lang=pl), which are
// rewritten when the page is written. Refused: a cookie, since nobody shall need one to read why a
// name is blocked; and a parameter that each template adds, since one of them would forget it.
//
// The policy forbids whatever is not our style sheet. A page that needs a script names it in its [Head]; it is
// a file of ours with its hash in its address, and nothing of it is in the page.
//
// Where a page was come from is told to nobody (no-referrer) unless it has a form that is posted: then to
// this site alone (same-origin). Told less, a browser says that the form comes from nowhere ("Origin: null"),
// and over plain HTTP, as in homes, nothing else tells our forms from those of other sites.
//
// Marks are drawn in the page as SVG, with word, shape and colour, and print in black. An image that is
// loaded could be missing; the mark is never the only carrier of what it says.
//
// Charts are SVG made here, without a library and without a script, and their numbers stand in a table beneath.
//
// What a text says is written into the templates of its language when they are read, where nothing is to be filled in:
// four fifths of a page's actions are of that kind, and each was a call by reflection. Refused: whole pages kept for
// a while, which would show what was decided a moment ago late.
package page
