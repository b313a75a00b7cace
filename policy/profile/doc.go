// Package profile says who is asking and what they asked for.
//
// A [Table] admits clients by their network and binds each network to a
// jurisdiction and, where one was asked for, to a [Profile]. The rows of the
// configuration are read in file order and the first that matches holds; an
// address that no row has is not served. Rows that match by a hardware address or by the
// name that a client connected to choose its profile, and nothing else. What is known
// beside the configuration ([Live]) fills in what that leaves open: devices with names
// of their own, then bindings of addresses. A profile is what one household or device
// asked for: categories of user lists, services, safe search, names of its own that it
// allows or denies, and hours ([Schedule]). [Profile.Phase] says what it does at a time, and
// until when.
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
// Who a client is has two halves that are found apart. Its network says whether it is
// served and whose law holds, which nobody can choose for himself. What it names, a server
// name, a path or by its hardware address a device, says what was asked for. So a row with
// a name stands below the rows of networks in any file and is still found, and a row that
// mixes the halves, as a name with a jurisdiction, is a problem. A row that names no profile
// is a choice too: nothing is asked for.
//
// The order of what chooses a profile: rows by device or name in file order, a device by its
// own name, the network's row, a binding, the network's default_profile. A device's own name
// goes before the network because it is the closer word of the same people; a binding goes
// behind, because the file is the operator's own hand.
//
// A binding fills in the jurisdiction only where the row says none, and why. That a program
// could take a network out of the law that the file gives it was refused.
//
// Anybody is admitted by a name only where the row says anyone: true, and then without a
// jurisdiction, since no network is known for him. Who is turned away before a handshake
// cannot say a name, so that one such row opens the handshake to all.
//
// An address with many homes behind it (`shared`) has no profile: one home's wish would
// filter the others, and none of them could end it.
//
// Profiles are pointers that are compared and never changed: a new configuration or a change
// over the API makes new ones, and the table goes with the snapshot that it was made for.
//
// The index has each own name once, however many profiles have it ([Own]), and the profile is
// asked whose it is. A list a profile, as there was, made a name that many deny cost as much as
// there are profiles, and new profiles a compile. Only what some profile uses is in the index, so
// that nobody pays for search engines that nobody wants safe.
//
// A window begins when the clocks of its zone first show its beginning, or skip it, and ends when
// they first show its end after that. By the minute of the week alone an evening that
// ends at half past two would come back in the night in which that hour comes twice.
//
// Half of Sunday belongs to Saturday's window that goes on until then: people name a night by the
// day on which it begins.
//
// Names of help are those of all countries for everybody: who needs one may be abroad, and which
// one is asked for says enough about a person that nothing should depend on it. They count nowhere.
//
// A pause says what it stops, the filters or the Internet, since both are called so; by itself it
// means the filters, whose pause is asked for more often and does less harm by mistake.
//
// Services are put together by hand, with names that serve nothing else. A longer list would
// find more, and take identity providers and content networks with it that half the web needs.
package profile
