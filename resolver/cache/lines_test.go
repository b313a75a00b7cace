package cache_test

import (
	"testing"

	"github.com/recourse-dns/recourse/resolver/cache"
)

// What look-ups read and what inserts write are on different lines of the processor's cache.
func TestShardsShareNoLine(t *testing.T) {
	if size, written := cache.ShardSize(); size%64 != 0 || written%64 != 0 || written == 0 {
		t.Errorf("shards are %d octets long, and written from %d on", size, written)
	}
}
