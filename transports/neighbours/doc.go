// Package neighbours knows which hardware address is at which IP address on the links of
// this machine, from the kernel's own table, so that a device at home is one device
// whatever addresses it has.
//
// [Watch] reads the table and follows its changes (rtnetlink: RTM_GETNEIGH, RTM_NEWNEIGH,
// RTM_DELNEIGH). On other systems than Linux nobody is known.
//
// # Decisions
//
// It is all in memory, and nothing of it is written or logged: where a device was, and when,
// is nobody's business.
//
// The kernel forgets neighbours that it does not need, and a query may come before it asks
// again: a device that is on the link but not in the table for a moment must not lose its
// profile for that. What the kernel has forgotten is remembered for an hour, or until another
// device has the address.
//
// An address that two links have for two devices is at none: nobody is to be filtered, or let
// alone, by guess. Only link-local addresses come to that, and those of doors tell no link.
//
// Readers have an immutable map behind a pointer. It is made anew for each burst of changes,
// which the bound of 16,384 addresses keeps to a millisecond. Refused: a library for netlink;
// the two messages have one small header and two attributes that matter.
package neighbours
