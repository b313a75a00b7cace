// Package guide tells a party how to put its proof of control into place: where the name's DNS
// and site are, with the steps there, and in its language what is wrong with what we found.
//
// # Decisions
//
// Hosts are recognised by what is public: the names of name servers, the aliases of the site and
// its addresses. They stand in a data file, each with the address of the host's own help from
// which its words were taken; a host that is not in it gets the general steps, which are right
// everywhere.
//
// What a host calls its pages is in English, as its help has it: most hosts keep one word in all
// languages, or show both. A translation of our own would be found nowhere on the screen.
//
// The steps for whoever looks after the site are a text for the party's own mail program. We
// write to no stranger.
package guide
