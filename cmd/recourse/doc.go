// Command recourse is the resolver, its desk and the tools around it, in one binary.
//
// It is wiring and nobody imports it: main.go has the command line, one file has
// each subcommand, config.go has the shape of the configuration file, and build.go
// joins the stages to the one chain. layers_test.go holds all packages of the
// module to the table of who may import whom.
//
// A configuration goes through three hands. decode.go reads YAML into a tree of
// values with their lines, and is the only file that knows the YAML library.
// decode_fill.go puts the tree into structs by their tags, strictly: unknown and
// repeated keys, wrong kinds and values that cannot be read are problems, each with
// its line and its dotted path. validate.go and its kin say what is missing, what does not
// fit together and which files are not there. All problems are told in one run.
//
// # Decisions
//
// The decoder is ours, above the library's node tree. KnownFields of the library
// stops at the first mistake of a kind, and gives no paths.
//
// Words are taken as they are written: [NO] is Norway and 0163 keeps its zero. A
// boolean is true or false and nothing else. One value where a list is wanted is an
// error: what is a list today and a word tomorrow makes two files of one meaning.
//
// Aliases are followed, because law lists share their venues, but every use counts
// against the bound on values, so that a small file cannot become a large one. Merge
// keys and tags are refused: they make a file mean what it does not say.
//
// The collector runs when the heap has doubled, which suits a program with a large
// one. A reserve that is never touched, a quarter of the cache's bound and at most 64
// MiB, makes a new resolver collect like one that has run for a while: 10 % less of a
// cold resolution. Refused: a higher GOGC, which lets a full cache of 256 MiB grow to
// a multiple of it. GOGC and GOMEMLIMIT of the environment hold as ever. Refused
// too: building by profile, which gained nothing and takes minutes.
//
// The quick start is a file like any other, embedded. What holds for a reader's
// configuration holds for it, and it is the example to begin from.
//
// trace sees what goes over the sockets and which questions validation asks, from
// outside: recursion and validation have no hooks for it that could slow or change
// them. It has no cache and no policy, so that every step is taken and a block does
// not hide how a name resolves; explain tells of blocks.
//
// The process that compiles reads the store of lists and never writes to it: two
// writers of one note lost what sources had said, and octets that were just brought.
// What it made of each list is taken down by the process that serves.
//
// Certificates are made before anything listens and followed when all doors are open: an
// authority comes there. The pages have listeners of their own for TLS (listen.web_tls)
// rather than a path beside DNS over HTTPS: a browser's limits are not a stub's, and a
// front end may stand before one and not the other.
//
// What clients are told of the doors is made of the configuration and of the certificates
// at the start. A listener on port 0 is not told of: its port is known only later.
// RESINFO names the Extended DNS Errors of the configuration; a test holds the list
// against the constants that the code uses.
//
// Whom the operator names is asked as he says, over that transport and no other; only
// servers of delegations are tried over TLS. A name of an upstream is never looked up by
// the resolver itself, which would need an answer to have an answer: bootstrap servers do,
// and check wants them where a name is all there is. Refused: the system's resolver, which
// on most such machines is this program. The command query does use it: a person asks.
//
// How a list stands is what its source said last, not what it said at the last
// compile: a source that falls silent brings nothing to compile. Alarms follow within
// half a minute, and so does another try where an import failed.
package main
