package dnssec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// following is all zones whose keys are followed, and the file that they outlive
// a restart in.
type following struct {
	path   string
	logger *slog.Logger

	mu      sync.Mutex
	zones   map[wire.Name]*followedZone // by mu, with what is in them
	written []byte                      // by mu: what the file holds, as far as it was written here
}

const maxStateFile = 1 << 20

// The file's shape. Keys are in presentation format: a person may have to read it.
type (
	stateFile struct {
		Zones []stateZone `json:"zones"`
	}
	stateZone struct {
		Zone string     `json:"zone"`
		Keys []stateKey `json:"keys"`
	}
	stateKey struct {
		Key   string    `json:"key"` // flags, protocol, algorithm, base64
		State KeyState  `json:"state"`
		Since time.Time `json:"since"`
	}
)

// openFollowing reads the file. A damaged one counts for nothing: the configured
// anchors hold, and the next look writes it anew.
func openFollowing(path string, configured anchors, logger *slog.Logger) *following {
	f := &following{path: path, logger: logger, zones: make(map[wire.Name]*followedZone)}
	zones, err := readState(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		logger.Warn("the state of the trust anchors is damaged; the configured anchors hold", "file", path, "error", err)
	}
	for name := range configured {
		f.zones[name] = &followedZone{name: name}
		if known := zones[name]; known != nil {
			f.zones[name] = known
		}
	}
	return f
}

func readState(path string) (map[wire.Name]*followedZone, error) {
	data, err := readAll(path, maxStateFile)
	if err != nil {
		return nil, err
	}
	return parseState(data)
}

func parseState(data []byte) (map[wire.Name]*followedZone, error) {
	var file stateFile
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	zones := make(map[wire.Name]*followedZone)
	for _, entry := range file.Zones {
		zone, err := entry.read()
		if err != nil {
			return nil, fmt.Errorf("zone %q: %w", entry.Zone, err)
		}
		zones[zone.name] = zone
	}
	return zones, nil
}

func (s *stateZone) read() (*followedZone, error) {
	name, err := wire.ParseName(s.Zone)
	if err != nil {
		return nil, err
	}
	if len(s.Keys) > maxKeys {
		return nil, fmt.Errorf("more than %d keys", maxKeys)
	}
	zone := &followedZone{name: name}
	for _, entry := range s.Keys {
		parsed, err := dns.NewRR(name.FQDN() + " 0 IN DNSKEY " + entry.Key)
		record, ok := parsed.(*dns.DNSKEY)
		if err != nil || !ok || !usable(record) {
			return nil, fmt.Errorf("%q is no key", entry.Key)
		}
		if !slices.Contains([]KeyState{AddPend, Valid, Missing, Revoked, Removed}, entry.State) {
			return nil, fmt.Errorf("%q is no state", entry.State)
		}
		if zone.find(record) != nil {
			return nil, fmt.Errorf("%q is there twice", entry.Key)
		}
		zone.keys = append(zone.keys, followedKey{record: record, state: entry.State, since: entry.Since})
	}
	return zone, nil
}

// save writes the file where anything changed. It is called with mu held.
func (f *following) save() error {
	var file stateFile
	for name, zone := range f.zones {
		entry := stateZone{Zone: name.FQDN(), Keys: []stateKey{}}
		for _, known := range zone.keys {
			text := fmt.Sprintf("%d %d %d %s", known.record.Flags, known.record.Protocol, known.record.Algorithm, known.record.PublicKey)
			entry.Keys = append(entry.Keys, stateKey{Key: text, State: known.state, Since: known.since.UTC()})
		}
		file.Zones = append(file.Zones, entry)
	}
	slices.SortFunc(file.Zones, func(a, b stateZone) int { return compare(wire.MustName(a.Zone), wire.MustName(b.Zone)) })
	data, err := json.MarshalIndent(file, "", "\t")
	if err != nil || bytes.Equal(data, f.written) {
		return err
	}
	if err := replaceFile(f.path, append(data, '\n')); err != nil {
		return err
	}
	f.written = data
	return nil
}

// anchors are those in force: what was followed over what is configured.
func (f *following) anchors(configured anchors) anchors {
	f.mu.Lock()
	defer f.mu.Unlock()
	current := make(anchors)
	for name, trusted := range configured {
		if zone := f.zones[name]; zone != nil {
			trusted = zone.anchors(trusted)
		}
		if len(trusted) > 0 {
			current[name] = trusted
		}
	}
	return current
}
