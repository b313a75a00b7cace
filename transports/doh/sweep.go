package doh

import "time"

const (
	// sweeping is how often connections at rest are looked at while there are too many.
	sweeping = time.Second
	// pressed is how long one may then rest, when there are as many as may be.
	pressed = 2 * time.Second
)

// sweep ends connections at rest sooner the nearer all that are open, of all doors, come
// to their bound: who asks something is let in then.
func (s *Server) sweep() {
	ticker := time.NewTicker(sweeping)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			if patience := s.patience(); patience < idle {
				for _, c := range s.connections() {
					c.expire(now.Add(-patience))
				}
			}
		case <-s.context.Done():
			return
		}
	}
}

// patience is how long a connection may rest now.
func (s *Server) patience() time.Duration {
	free := 1 - s.service.Full()
	if free >= 0.5 {
		return idle
	}
	return max(time.Duration(float64(idle)*2*free), pressed)
}

// connections are those of HTTP/2.
func (s *Server) connections() []*connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	open := make([]*connection, 0, len(s.lines))
	for _, c := range s.lines {
		if c != nil {
			open = append(open, c)
		}
	}
	return open
}

// expire ends the connection if nothing was asked since then and nothing is owed.
func (c *connection) expire(then time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.streams) == 0 && c.active.Before(then) {
		_ = c.line.SetReadDeadline(longAgo) // it ends as if its time were over
	}
}
