package accounts

import "sync/atomic"

// CountHashes counts the hashes that an office makes from now on.
func CountHashes(o *Office) *atomic.Int64 {
	count, hash := new(atomic.Int64), o.hasher.hash
	o.hasher.hash = func(password, salt []byte, passes, memory uint32, lanes uint8, size uint32) []byte {
		count.Add(1)
		return hash(password, salt, passes, memory, lanes, size)
	}
	return count
}

// SetCost makes later hashes cost more or less.
func SetCost(o *Office, cost Cost) { o.hasher.cost = cost }
