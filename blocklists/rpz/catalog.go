package rpz

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// maxMembers bounds the zones of one catalog: each is a transfer and a list.
const maxMembers = 500

// ErrCatalog says that a catalog zone is broken (RFC 9432, section 5.1): its member zones
// stay as they were.
var ErrCatalog = errors.New("the catalog zone is broken")

// Member is a zone that a catalog lists.
type Member struct {
	// ID is the label that the catalog knows the member by. Another ID for the same zone
	// means that its state starts anew (RFC 9432, section 5.4).
	ID   string
	Zone wire.Name
}

// Members reads a catalog from the zone file that [Client.Bring] wrote, in the order of IDs.
func Members(zone wire.Name, from io.Reader) ([]Member, error) {
	reader := catalogReader{zones: mustChild("zones", zone), version: mustChild("version", zone), members: make(map[string]wire.Name)}
	lines := bufio.NewScanner(from)
	lines.Buffer(make([]byte, 0, 64<<10), maxZoneLine)
	for lines.Scan() {
		if err := reader.take(lines.Text()); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrCatalog, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCatalog, err)
	}
	return reader.result()
}

// mustChild is for labels that the program spells out; where they do not fit, nothing is below.
func mustChild(label string, zone wire.Name) wire.Name {
	name, err := zone.Child(label)
	if err != nil {
		return ""
	}
	return name
}

type catalogReader struct {
	zones, version wire.Name
	versions       []string
	members        map[string]wire.Name
}

func (c *catalogReader) take(line string) error {
	record, err := dns.NewRR(line)
	if err != nil || record == nil {
		return fmt.Errorf("a record cannot be read: %w", err)
	}
	owner, err := wire.ParseName(record.Header().Name)
	if err != nil {
		return err
	}
	switch record := record.(type) {
	case *dns.TXT:
		if owner == c.version {
			c.versions = append(c.versions, strings.Join(record.Txt, ""))
		}
	case *dns.PTR:
		if owner.Parent() == c.zones && c.zones != "" {
			return c.member(owner, record.Ptr)
		}
	}
	return nil // properties that are not known are left out (RFC 9432, section 4.4)
}

func (c *catalogReader) member(owner wire.Name, target string) error {
	id := strings.TrimSuffix(owner.String(), "."+c.zones.String())
	zone, err := wire.ParseName(target)
	if err != nil {
		return err
	}
	if _, twice := c.members[id]; twice {
		return fmt.Errorf("member %q has two zones", id)
	}
	if c.members[id] = zone; len(c.members) > maxMembers {
		return fmt.Errorf("it lists more than %d zones", maxMembers)
	}
	return nil
}

func (c *catalogReader) result() ([]Member, error) {
	if !slices.Equal(c.versions, []string{"2"}) {
		return nil, fmt.Errorf("%w: its version is %q, and only 2 is known", ErrCatalog, c.versions)
	}
	members := make([]Member, 0, len(c.members))
	seen := make(map[wire.Name]string, len(c.members))
	for id, zone := range c.members {
		if other, twice := seen[zone]; twice {
			return nil, fmt.Errorf("%w: zone %s is member %q and member %q", ErrCatalog, zone, id, other)
		}
		seen[zone] = id
		members = append(members, Member{ID: id, Zone: zone})
	}
	slices.SortFunc(members, func(a, b Member) int { return strings.Compare(a.ID, b.ID) })
	return members, nil
}

// Manifest makes a member a list: that of the catalog, but for the id and the zone. The id
// is made of the catalog's and of the member's, so that it stays while the member does.
func (m Member) Manifest(of *blocklists.Manifest) *blocklists.Manifest {
	made := *of
	sum := sha256.Sum256([]byte(m.ID + "\x00" + string(m.Zone)))
	suffix := "-" + hex.EncodeToString(sum[:6])
	made.ID = blocklists.ListID(strings.TrimRight(string(of.ID[:min(len(of.ID), 63-len(suffix))]), "-") + suffix)
	made.Source.Catalog, made.Source.RPZ = "", m.Zone.String()
	return &made
}
