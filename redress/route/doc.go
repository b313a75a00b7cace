// Package route is what pages and API share of HTTP: calls by path and method, the
// headers of every reply, and from where a request comes.
//
// # Decisions
//
// The standard library's mux answers a wrong method in plain text of its own; a page
// must answer with a page and the API with a problem. So all methods of a path are
// one pattern, and the caller says what a wrong method gets.
package route
