package blocklists

// Trigger is what an entry looks at. The zero value is [OnName].
type Trigger uint8

// The triggers. All but the first are those of response policy zones
// (draft-vixie-dnsop-dns-rpz, section 4), and act only where a list's `match` or its
// format says so.
const (
	OnName          Trigger = iota // the question's name, and aliases that it leads to
	OnClient                       // the address of who asks (rpz-client-ip)
	OnAddress                      // an address in the answer (rpz-ip)
	OnServer                       // the name of a name server of the zone or its parents (rpz-nsdname)
	OnServerAddress                // the address of such a server (rpz-nsip)
)

var triggerNames = []string{"name", "client", "address", "nameserver", "nameserver-address"}

func (t Trigger) String() string { return nameOf(triggerNames, int(t)) }

// MarshalText writes the trigger's word.
func (t Trigger) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads the trigger's word.
func (t *Trigger) UnmarshalText(text []byte) error {
	index, err := indexOf(triggerNames, string(text), "trigger")
	*t = Trigger(index)
	return err
}

// ByAddress says whether entries of this trigger have a prefix and no name.
func (t Trigger) ByAddress() bool { return t == OnClient || t == OnAddress || t == OnServerAddress }

// Action is what an entry does where it decides. The zero value is [Block].
type Action uint8

// The actions: block as the list's manifest says; end the search of this purpose's
// step without a block (rpz-passthru, `@@`); block with this very answer; no answer;
// have the client ask again over TCP; answer with the entry's own records.
const (
	Block Action = iota
	Passthru
	BlockNXDomain
	BlockNoData
	Drop
	TCPOnly
	LocalData
)

var actionNames = []string{"block", "passthru", "nxdomain", "nodata", "drop", "tcp-only", "local-data"}

func (a Action) String() string { return nameOf(actionNames, int(a)) }

// MarshalText writes the action's word.
func (a Action) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads the word of an action.
func (a *Action) UnmarshalText(text []byte) error {
	index, err := indexOf(actionNames, string(text), "action")
	*a = Action(index)
	return err
}
