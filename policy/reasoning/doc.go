// Package reasoning tells a verdict whole: to programs as JSON, to people as a tree. The command
// explain prints it and the console shows it, in the same words.
//
// # Decisions
//
// It tells what policy decided and decides nothing itself: a second place that knew the order of
// precedence would one day know another.
//
// The tree is a value, not a text: a terminal draws it with lines and a page as nested lists.
package reasoning
