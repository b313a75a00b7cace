package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"unsafe"
)

// Summed puts a head and a foot with the right sum around lines of a dump.
func Summed(lines string) string {
	lines = strings.TrimSuffix(lines, "\n") + "\n"
	body := dumpHead + hex.EncodeToString((&Cache{}).basis()) + "\n" + lines
	sum := sha256.Sum256([]byte(body))
	return body + dumpFoot + strconv.Itoa(strings.Count(lines, "\n")) + " " + hex.EncodeToString(sum[:]) + "\n"
}

// ShardSize is how far shards lie apart, and where what an insert writes begins.
func ShardSize() (size, written uintptr) {
	return unsafe.Sizeof(shard{}), unsafe.Offsetof(shard{}.size)
}
