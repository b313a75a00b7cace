// Package peer starts resolvers, ours and others, on loopback and
// under the same terms: a configuration made anew in a folder of its own, the given
// root hints and trust anchors, one thread, IPv4 only, a cache that holds all that
// is asked, questions to loopback addresses allowed.
//
// [All] lists the resolvers of a world with a root, [Servers] those whose doors are measured,
// which forward all they do not know; these also have TLS, HTTP and QUIC as far as they can.
// [Start] runs one and returns when it answers; [Process.CPU] says what it has cost so far.
//
// # Decisions
//
// Configurations are minimal: what is not needed to live in a world on loopback
// keeps its default, so that a comparison is one with what people run. Off is what
// would go on beside the questions: remote control, polls for updates, RFC 5011 probes.
//
// A child is killed with its parent by the kernel (Pdeathsig). A list of process
// ids to clean up was refused: it is wrong whenever the program dies.
package peer
