package cache

import (
	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// Flush drops what is kept of a name, with subtree also of all names below it, and
// tells how many answers that were. A DNAME above the name goes too, for it would
// answer for the name. What is being resolved meanwhile is not kept either: it may
// have been asked before the world changed.
func (c *Cache) Flush(name wire.Name, subtree bool) int {
	c.flushes.Add(1)
	c.denials.Forget(name, subtree)
	dropped := 0
	for i := range c.shards {
		dropped += c.shards[i].flush(func(kept key) bool {
			return kept.name == name || subtree && kept.name.IsBelow(name) || kept.qtype == dns.TypeDNAME && name.IsBelow(kept.name)
		})
	}
	return dropped
}

// flush removes the nodes whose keys fit.
func (s *shard) flush(fits func(key) bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	dropped := 0
	for n := s.queue.Oldest(); n != nil; {
		newer := n.Newer()
		if fits(n.key) {
			s.remove(n)
			dropped++
		}
		n = newer
	}
	return dropped
}
