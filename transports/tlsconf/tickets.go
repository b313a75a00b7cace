package tlsconf

import (
	"crypto/rand"
	"crypto/tls"
	"sync/atomic"
)

// keptTickets is how many keys are known: the newest seals, all open.
const keptTickets = 3

// tickets seals and opens the sessions that clients bring back (RFC 5077; RFC 8446,
// section 2.2).
type tickets struct {
	// sealer is a configuration that is used for its keys alone: they cannot be
	// changed in the doors', which clone theirs.
	sealer atomic.Pointer[tls.Config]
	keys   [][32]byte // of rotate alone
}

// rotate makes a new key and forgets the oldest. One goroutine at a time calls it.
func (t *tickets) rotate() {
	var fresh [32]byte
	_, _ = rand.Read(fresh[:]) // never fails (crypto/rand)
	t.keys = append([][32]byte{fresh}, t.keys[:min(len(t.keys), keptTickets-1)]...)
	sealer := &tls.Config{MinVersion: tls.VersionTLS12}
	sealer.SetSessionTicketKeys(t.keys)
	t.sealer.Store(sealer)
}

func (t *tickets) wrap(state tls.ConnectionState, session *tls.SessionState) ([]byte, error) {
	return t.sealer.Load().EncryptTicket(state, session)
}

func (t *tickets) unwrap(ticket []byte, state tls.ConnectionState) (*tls.SessionState, error) {
	return t.sealer.Load().DecryptTicket(ticket, state)
}
