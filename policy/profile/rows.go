package profile

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strings"

	"github.com/recourse-dns/recourse/resolver/wire"
)

const (
	// NoJurisdiction is what a row says whose networks no law list is for.
	NoJurisdiction = "none"
	// PathPrefix is what the paths of DNS over HTTP begin with.
	PathPrefix = "/dns-query/"
	// maxBecause bounds a reason that people are to read, in octets.
	maxBecause = 500
)

var (
	countryForm = regexp.MustCompile(`^[A-Z]{2}$`)
	pathForm    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

// checkedRow is a row of which ok says whether it can be entered.
type checkedRow struct {
	row      int
	who      Who
	fallback *Profile
	name     string // in lower case, without a dot at its end
	macs     [][6]byte
	ok       bool
}

func (t *Table) check(row int, client *Client, found *problems) checkedRow {
	before, key := len(*found), fmt.Sprintf("clients[%d]", row)
	checked := checkedRow{row: row, who: Who{Row: row, Shared: client.Shared}}
	checked.who.Profile = t.named(key+".profile", client.Profile, found)
	checked.fallback = t.named(key+".default_profile", client.DefaultProfile, found)
	checked.who.Jurisdiction = checkJurisdiction(key, client, found)
	for i, network := range client.Match.Networks {
		checkNetwork(fmt.Sprintf("%s.match.networks[%d]", key, i), network, found)
	}
	checked.macs = checkHardware(key, client.Match.MAC, found)
	checked.name = checkName(key, &client.Match, found)
	if client.Match.chooses() {
		checkChooser(key, client, found)
	} else {
		checkAdmitting(key, client, found)
	}
	checked.ok = len(*found) == before
	return checked
}

func (t *Table) named(key, id string, found *problems) *Profile {
	profile, known := t.profiles[id]
	if id != "" && !known {
		found.add(key, "no profile has the id %q", id)
	}
	return profile
}

// checkJurisdiction gives the code, "" for none.
func checkJurisdiction(key string, client *Client, found *problems) string {
	switch {
	case len(client.Because) > maxBecause:
		found.add(key+".because", "has %d octets, more than %d", len(client.Because), maxBecause)
	case client.Jurisdiction == NoJurisdiction && strings.TrimSpace(client.Because) == "":
		found.add(key+".because", "is missing: say why no law list is for these networks; the disclosure page shows it")
	case client.Jurisdiction == NoJurisdiction:
	case client.Because != "":
		found.add(key+".because", "is the reason of jurisdiction: none, which the row does not say")
	case client.Jurisdiction != "" && !countryForm.MatchString(client.Jurisdiction):
		found.add(key+".jurisdiction", "%q is not an ISO 3166 code of two capitals, nor none", client.Jurisdiction)
	default:
		return client.Jurisdiction
	}
	return ""
}

// checkAdmitting looks at a row of networks alone.
func checkAdmitting(key string, client *Client, found *problems) {
	if len(client.Match.Networks) == 0 {
		found.add(key+".match.networks", "is missing: the row matches nobody; give at least one, as [\"192.0.2.0/24\"]")
	}
	if client.Anyone {
		found.add(key+".anyone", "opens a row that has a server_name or path; for all networks write [\"0.0.0.0/0\", \"::/0\"]")
	}
	if !client.Shared {
		return
	}
	for name, id := range map[string]string{"profile": client.Profile, "default_profile": client.DefaultProfile} {
		if id != "" {
			found.add(key+"."+name, "cannot be of a row that is shared: what one home behind an address asked for must not filter the others")
		}
	}
}

// checkChooser looks at a row that chooses profiles. What it must not say is the networks' to say.
func checkChooser(key string, client *Client, found *problems) {
	by := "hardware address"
	if client.Match.named() {
		by = "name"
	}
	if client.Jurisdiction != "" && (client.Jurisdiction != NoJurisdiction || !client.Anyone) {
		found.add(key+".jurisdiction", "cannot be chosen by a %s: networks alone bind to one; leave it out here, and give it to a row of networks", by)
	}
	if client.Shared {
		found.add(key+".shared", "is of networks: a row with a %s says nothing of who is behind an address", by)
	}
	if client.DefaultProfile != "" {
		found.add(key+".default_profile", "is of networks; a row with a %s has a profile", by)
	}
	switch {
	case !client.Anyone:
	case !client.Match.named():
		found.add(key+".anyone", "opens a row that has a server_name or path")
	case len(client.Match.Networks) > 0 || len(client.Match.MAC) > 0:
		found.add(key+".anyone", "contradicts match: anyone is not of some networks or devices")
	}
}

func checkNetwork(key string, network netip.Prefix, found *problems) {
	switch {
	case !network.IsValid():
		found.add(key, "is not a network, as 192.0.2.0/24")
	case network.Addr().Is4In6():
		found.add(key, "%s is an IPv4 network written as IPv6: write it as IPv4", network)
	case network != network.Masked():
		found.add(key, "%s has bits beyond its length: write %s", network, network.Masked())
	}
}

// ErrMAC says that a text is no hardware address.
var ErrMAC = errors.New("is not a hardware address")

// ParseMAC reads a hardware address of six octets, which is what Ethernet and Wi-Fi have.
func ParseMAC(text string) ([6]byte, error) {
	mac, err := net.ParseMAC(text)
	switch {
	case err != nil || len(mac) != 6:
		return [6]byte{}, fmt.Errorf("%q %w, as 02:00:5e:10:00:01", text, ErrMAC)
	case mac[0]&1 != 0:
		return [6]byte{}, fmt.Errorf("%q is of a group, so %w of a device", text, ErrMAC)
	}
	return [6]byte(mac), nil
}

func checkHardware(key string, texts []string, found *problems) [][6]byte {
	var macs [][6]byte
	for i, text := range texts {
		mac, err := ParseMAC(text)
		if err != nil {
			found.add(fmt.Sprintf("%s.match.mac[%d]", key, i), "%v", err)
			continue
		}
		macs = append(macs, mac)
	}
	return macs
}

// checkName gives the server name as clients are said to have it.
func checkName(key string, match *Match, found *problems) string {
	if path := match.Path; path != "" {
		if after, within := strings.CutPrefix(path, PathPrefix); !within || !pathForm.MatchString(after) {
			found.add(key+".match.path", "%q is not %s with at most 64 letters, digits, hyphens and underscores after it, as %stablet", path, PathPrefix, PathPrefix)
		}
	}
	if match.ServerName == "" {
		return ""
	}
	name := strings.ToLower(strings.TrimSuffix(match.ServerName, "."))
	if _, err := wire.ParseName(name); err != nil || strings.Trim(name, "-.0123456789abcdefghijklmnopqrstuvwxyz_") != "" {
		found.add(key+".match.server_name", "%q is not the name of a host", match.ServerName)
	}
	return name
}

// FormatMAC is a hardware address as people write it.
func FormatMAC(mac [6]byte) string { return net.HardwareAddr(mac[:]).String() }
