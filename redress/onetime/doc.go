// Package onetime answers for zones whose names are each made for one showing of a page: by looking one
// up, a browser says at which resolver it asks, and who asks for it.
//
// # Decisions
//
// passing and household/probe keep their own names and what they mean; what is one here is the answer: addresses
// of the pages with a TTL of 0, and where there are none an SOA record that lets nobody keep that.
package onetime
