package cache

import "github.com/recourse-dns/recourse/resolver/wire"

// Flush drops what is kept of a name, with subtree also of all names below it, and
// tells how many answers that were. What is being resolved meanwhile is not kept
// either: it may have been asked before the world changed.
func (c *Cache) Flush(name wire.Name, subtree bool) int {
	c.flushes.Add(1)
	c.denials.Forget(name, subtree)
	dropped := 0
	for i := range c.shards {
		dropped += c.shards[i].flush(func(kept wire.Name) bool {
			return kept == name || subtree && kept.IsBelow(name)
		})
	}
	return dropped
}

// flush removes the nodes whose names fit.
func (s *shard) flush(fits func(wire.Name) bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	dropped := 0
	for n := s.queue.Oldest(); n != nil; {
		newer := n.Newer()
		if fits(n.key.name) {
			s.remove(n)
			dropped++
		}
		n = newer
	}
	return dropped
}
