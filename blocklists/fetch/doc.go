// Package fetch brings a list's octets and keeps the last good ones.
//
// [Store.Load] opens the source of a list, has it read whole by the caller, and only
// when that went well keeps a copy. Where the source is missing or is refused, the
// copy is read instead and the [Status] says so, with the error and since when. What a
// node started with once it can start with again.
//
// Below its folder the store keeps one folder a list:
//
//	ID/last-good.json   which file is good, its hash, when it was fetched
//	ID/HASH.list        the octets
//	ID/trouble.json     since when the source cannot be used; absent when it can
//
// # Decisions
//
// The caller says what good is, by reading the list and returning nil. A copy is kept
// of the very octets that were read, hashed on the way, so that a source
// which is written to at the same time cannot pass as one file and be kept as another.
//
// The octets lie under the name of their hash and one small file points at them.
// That file is renamed into place when the octets are on the disk, so a crash leaves
// the old state or the new one and never a half of each.
//
// A full or unwritable disk does not stop a good list from loading. It is read from
// its source, and the log says that no copy was kept.
package fetch
