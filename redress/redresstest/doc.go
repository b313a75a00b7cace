// Package redresstest is the world in which the desk is tested: real lists compiled
// to a real snapshot, the real SQLite store in a temporary folder, an effect that
// derives the overlay from it as the program does, and a DNS made of a map.
//
// # Decisions
//
// Only the Internet is played. A double of the store or of policy would let a test
// pass in which the decision is not in force.
package redresstest
