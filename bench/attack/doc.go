// Command attack measures what the worst malicious zones known cost the resolver that
// is asked for a name in them: upstream queries and processor time of one client query.
//
//	attack --recourse FILE [--only recourse,unbound] [--attack TEXT]
//
// The world is an honest root, a bystander victim., and evil., whose servers answer as
// the attack says: delegations.go has those by referrals and aliases, messages.go those
// by replies that are costly to read, proofs.go those by what validation computes. Each
// attack is tried on a resolver that has just started, with names in zones that it has
// not seen, one at a time; the table has the mean and the most of all names.
//
// The resolver is pinned to core 0, and this program to core 1 (`make bench-peers`
// does it, in a network namespace of its own), so that signing is not in the figures.
//
// # Decisions
//
// Zones are composed to be worse than those that were published: a bound on each part
// is worth nothing if the parts multiply.
//
// The program fails where ours asks a hundred questions or more. Processor time is
// shown beside its limit and decides nothing, as a machine with neighbours is no judge;
// tests in resolver hold the number of signatures, hashes, octets and questions.
//
// Time is read of the threads that live, to the nanosecond, 50 ms after the answer: what
// is left running is the attacker's gain too. Silent servers have it include seven
// seconds of a resolver at rest.
package main
