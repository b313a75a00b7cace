package stream

import "time"

// emit writes what has gathered.
func (c *conn) emit(room *room) {
	if len(room.out) == 0 || c.closed {
		return
	}
	data := room.out
	if c.layer != nil {
		var err error
		if room.wire, err = c.layer.seal(room.wire[:0], data); err != nil {
			c.fail(err)
			return
		}
		data = room.wire
	}
	room.out = room.out[:0]
	c.write(data)
}

// write gives octets to the network and keeps what it does not take. Who leaves too much
// there is cut.
func (c *conn) write(data []byte) {
	if len(c.unsent) == 0 {
		size, err := c.socket.write(data)
		if err != nil {
			c.close()
			return
		}
		if data = data[size:]; len(data) == 0 {
			return
		}
		c.taking = time.Now()
	}
	if len(c.unsent)+len(data) > c.server.limits.Untaken+maxMessage {
		c.server.counts.Cut.Add(1)
		c.close()
		return
	}
	c.unsent = append(c.unsent, data...)
	c.extend(c.taking)
}

// flush writes what was left; true when nothing is.
func (c *conn) flush() bool {
	if len(c.unsent) == 0 {
		return true
	}
	size, err := c.socket.write(c.unsent)
	if err != nil {
		c.close()
		return false
	}
	if size < len(c.unsent) {
		c.unsent = c.unsent[:copy(c.unsent, c.unsent[size:])]
		return false
	}
	c.unsent = nil
	c.release()
	c.extend(time.Now())
	c.endIfDone()
	return !c.closed
}

// release lets a transfer go on.
func (c *conn) release() {
	if c.drained != nil {
		close(c.drained)
		c.drained = nil
	}
}

// send writes one reply that had to wait: its length stands before it.
func (c *conn) send(reply []byte) {
	if len(reply) == 0 || c.closed {
		return
	}
	if c.layer != nil {
		sealed, err := c.layer.seal(nil, reply)
		if err != nil {
			c.fail(err)
			return
		}
		reply = sealed
	}
	c.write(reply)
}

// sendWhenTaken writes one of many messages when those before it were taken; false when
// the client is gone.
func (c *conn) sendWhenTaken(reply []byte) bool {
	for {
		c.mu.Lock()
		if len(c.unsent) == 0 || c.closed {
			c.send(reply)
			gone := c.closed
			c.mu.Unlock()
			return !gone
		}
		if c.drained == nil {
			c.drained = make(chan struct{})
		}
		drained := c.drained
		c.mu.Unlock()
		<-drained
	}
}
