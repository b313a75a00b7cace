// Package profile says who is asking and what they asked for.
//
// A [Table] admits clients by their network and binds each network to a
// jurisdiction and, where one was asked for, to a [Profile]. The rows of the
// configuration are read in file order and the first that matches holds; an
// address that no row has is not served. A profile is what one household or device
// asked for: categories of user lists, and names of its own that it allows or denies.
//
// [Config] and [Client] are the shapes of the configuration; [NewProfiles] and
// [NewTable] check them and give what the query path uses.
//
// # Decisions
//
// First match in file order is what people read; longest prefix is what a table
// finds fast. Both hold at once: each prefix is stored with the first row that has
// it or any network around it, so that one longest-prefix look-up gives the row.
//
// A row that no address can reach is a problem and not a warning: behind it stands
// a person who believes that a filter works, or that a law does not apply.
//
// A row that also matches by something which this version does not know (a device, a
// server name) binds nobody. Taken without that condition it would bind more clients
// than was meant, and filter people who did not ask.
//
// An address with many homes behind it (`shared`) has no profile: one home's wish would
// filter the others, and none of them could end it.
//
// Profiles are pointers that are compared and never changed: a new configuration
// makes new ones, and the table goes with the snapshot that it was made for.
package profile
