package local

import (
	"context"
	"encoding/binary"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Exchanger sends one query to one server, as resolver/recurse has it.
type Exchanger interface {
	Exchange(ctx context.Context, server resolver.Server, query []byte, accept func(reply []byte) bool) ([]byte, error)
}

// agentsKept is how many names are remembered with their agents.
const agentsKept = 10_000

// Watch is an Exchanger that learns from authoritative replies on their way who
// wants reports (RFC 9567, section 6.1).
type Watch struct {
	exchanger Exchanger
	known     *lru.Cache[wire.Name, wire.Name]
}

// NewWatch watches what goes through an Exchanger.
func NewWatch(exchanger Exchanger) *Watch {
	known, err := lru.New[wire.Name, wire.Name](agentsKept)
	if err != nil {
		panic(err) // the size is a positive constant
	}
	return &Watch{exchanger: exchanger, known: known}
}

// Exchange passes the query on and reads the reply that was accepted.
func (w *Watch) Exchange(ctx context.Context, server resolver.Server, query []byte, accept func(reply []byte) bool) ([]byte, error) {
	reply, err := w.exchanger.Exchange(ctx, server, query, accept)
	if err == nil {
		w.learn(reply)
	}
	return reply, err
}

// Agent gives the agent of the servers that answered for the name or, failing
// that, for the nearest name above it; not for a top-level domain, whose servers
// have nothing to do with what fails below.
func (w *Watch) Agent(name wire.Name) wire.Name {
	for ; name.Labels() >= 2; name = name.Parent() {
		if agent, found := w.known.Get(name); found {
			return agent
		}
	}
	return ""
}

// learn reads the agent from a reply with authority; a referral's would be that of
// the zone above. A reply without an agent says that none is wanted any more.
func (w *Watch) learn(reply []byte) {
	var buffer [wire.MaxName]byte
	if len(reply) < wire.HeaderSize || binary.BigEndian.Uint16(reply[2:])&wire.FlagAA == 0 || binary.BigEndian.Uint16(reply[4:]) != 1 {
		return
	}
	shared, _, err := wire.ReadName(reply, wire.HeaderSize, &buffer)
	if err != nil {
		return
	}
	if agent := agentIn(reply); agent != "" {
		w.known.Add(wire.Name(string([]byte(shared))), agent)
	} else {
		w.known.Remove(shared)
	}
}

// agentIn finds the option; "" where there is none, or one that is empty or broken.
func agentIn(reply []byte) wire.Name {
	for record, err := range wire.Records(reply) {
		if err != nil {
			return ""
		}
		if record.Type == wire.TypeOPT && record.Section == wire.Additional {
			return agentOption(record.Data)
		}
	}
	return ""
}

func agentOption(data []byte) wire.Name {
	for option, err := range wire.Options(data) {
		if err != nil {
			return ""
		}
		if option.Code == wire.OptionReportChannel {
			return agentName(option.Data)
		}
	}
	return ""
}

// agentName reads the name, which is uncompressed and fills the option (section 5).
func agentName(data []byte) wire.Name {
	var buffer [wire.MaxName]byte
	name, end, err := wire.ReadName(data, 0, &buffer)
	if err != nil || end != len(data) || name == wire.Root {
		return ""
	}
	return wire.Name(string([]byte(name)))
}
