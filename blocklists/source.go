package blocklists

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Source is where a list's octets come from: exactly one of a file, an address of the
// web, a response policy zone and a catalog of such zones.
type Source struct {
	File    string `yaml:"file"`
	URL     string `yaml:"url"`
	RPZ     string `yaml:"rpz"`     // a zone that is transferred from its primaries
	Catalog string `yaml:"catalog"` // a zone that lists such zones (RFC 9432)

	Refresh time.Duration `yaml:"refresh"`
	// MaxAge is how long a copy counts as fresh after the source last confirmed it;
	// OnStale what becomes of the list then. [Source.Staleness] knows the defaults.
	MaxAge  time.Duration `yaml:"max_age"`
	OnStale string        `yaml:"on_stale"` // keep or stop

	Verify Verify `yaml:"verify"`

	// For the web: addresses of the host for when our own resolver cannot say them,
	// networks that it may lie in although they are not public, and a proxy.
	Bootstrap        []netip.Addr   `yaml:"bootstrap"`
	PrivateAddresses []netip.Prefix `yaml:"private_addresses"`
	Proxy            string         `yaml:"proxy"`

	// For zones.
	Primary []string   `yaml:"primary"` // 192.0.2.53, 192.0.2.53@5353 or tls://192.0.2.53
	TSIG    TSIG       `yaml:"tsig"`
	TLS     PrimaryTLS `yaml:"tls"`

	Zone string `yaml:"zone"` // the origin of a response policy zone in a file
}

// Verify is how the octets of a list prove where they come from. What is given must
// all hold.
type Verify struct {
	Minisign  string `yaml:"minisign"`  // a public key, or the file that holds it
	OpenPGP   string `yaml:"openpgp"`   // a file of public keys
	SHA256    string `yaml:"sha256"`    // the address of a sum, or what to add to the list's own
	Signature string `yaml:"signature"` // likewise for the signature; .minisig and .asc where empty
}

// IsZero says that nothing is verified.
func (v Verify) IsZero() bool { return v == Verify{} }

// IsSigned says whether what the source gives proves from whom it is: by a signature, or a
// key that only the primary of a zone has. A sum beside a list, or TLS, proves less.
func (s *Source) IsSigned() bool {
	return s.Verify.Minisign != "" || s.Verify.OpenPGP != "" || s.TSIG.Name != ""
}

// TSIG names a shared key for transfers (RFC 8945).
type TSIG struct {
	Name       string `yaml:"name"`
	Algorithm  string `yaml:"algorithm"`
	SecretFile string `yaml:"secret_file"`
}

// PrimaryTLS is how primaries behind tls:// prove who they are (RFC 9103): by a
// certificate for the name, or by the pin of their key.
type PrimaryTLS struct {
	ServerName string   `yaml:"server_name"`
	Pins       []string `yaml:"pins"` // sha256 of the public key (RFC 7858, section 4.2), base64
	CA         string   `yaml:"ca"`   // a file of certificates instead of the system's
}

// IsZone says that the source is transferred as a zone.
func (s *Source) IsZone() bool { return s.RPZ != "" || s.Catalog != "" }

// String names the source without anything secret in it: neither user nor query of an
// address.
func (s Source) String() string {
	switch {
	case s.RPZ != "":
		return "zone " + s.RPZ
	case s.Catalog != "":
		return "catalog " + s.Catalog
	case s.URL != "":
		return ShownURL(s.URL)
	}
	return s.File
}

// ShownURL is an address fit for logs and pages: a user, a password, a query and a
// fragment may be credentials, so they are left out.
func ShownURL(text string) string {
	address, err := url.Parse(text)
	if err != nil {
		return "an unreadable address"
	}
	shown := url.URL{Scheme: address.Scheme, Host: address.Host, Path: address.Path}
	return shown.String()
}

// defaultMaxAge is for how long a source of the network may be silent: after a week a
// law list's silence is told to the public.
const defaultMaxAge = 7 * 24 * time.Hour

// Staleness is how old a copy may grow without a word from its source, 0 for any age,
// and whether the list stops then. A file on this machine does not grow old by itself. A
// security list stops, since nobody vouches for its entries any more; the order behind
// a law list, and the wish behind a user list, are still in force, so they stay.
func (m *Manifest) Staleness() (after time.Duration, stops bool) {
	after = m.Source.MaxAge
	if after == 0 && m.Source.File == "" {
		after = defaultMaxAge
	}
	if m.Source.OnStale == "" {
		return after, m.Purpose == Security
	}
	return after, m.Source.OnStale == onStaleStop
}

const (
	onStaleKeep = "keep"
	onStaleStop = "stop"
	// maxPrimaries bounds how many servers one refresh may try in turn.
	maxPrimaries = 16
)

func (m *Manifest) checkSource(found *problems) {
	given := 0
	for _, value := range []string{m.Source.File, m.Source.URL, m.Source.RPZ, m.Source.Catalog} {
		if value != "" {
			given++
		}
	}
	if given != 1 {
		found.add("source", "must say one of file, url, rpz and catalog")
	}
	m.checkFormat(found)
	m.checkAges(found)
	m.checkWeb(found)
	m.checkVerify(found)
	m.checkZone(found)
}

func (m *Manifest) checkAges(found *problems) {
	if m.Source.Refresh < 0 || m.Source.Refresh > 0 && m.Source.Refresh < time.Second {
		found.add("source.refresh", "must be at least a second")
	}
	if age := m.Source.MaxAge; age < 0 || age > 0 && age < m.Source.Refresh {
		found.add("source.max_age", "is shorter than refresh, so that the list would be stale between two looks at its source")
	}
	if word := m.Source.OnStale; word != "" && word != onStaleKeep && word != onStaleStop {
		found.add("source.on_stale", "%q is neither keep nor stop: what becomes of the list when its source has been silent for max_age", word)
	}
}

func (m *Manifest) checkWeb(found *problems) {
	source := &m.Source
	if source.URL == "" {
		for key, given := range map[string]bool{"bootstrap": len(source.Bootstrap) > 0, "private_addresses": len(source.PrivateAddresses) > 0, "proxy": source.Proxy != ""} {
			if given {
				found.add("source."+key, "is for a source with url")
			}
		}
		return
	}
	if !isWebAddress(source.URL) {
		found.add("source.url", "%q is not an http or https address", ShownURL(source.URL))
	}
	if source.Proxy != "" && !isWebAddress(source.Proxy) {
		found.add("source.proxy", "%q is not an address of a proxy, as http://192.0.2.1:3128", ShownURL(source.Proxy))
	}
}

func (m *Manifest) checkVerify(found *problems) {
	verify := m.Source.Verify
	switch {
	case verify.IsZero():
	case m.Source.IsZone():
		found.add("source.verify", "is for a source with file or url; a zone proves itself by tsig or tls")
	case verify.Signature != "" && verify.Minisign == "" && verify.OpenPGP == "":
		found.add("source.verify.signature", "needs a key to be checked with: minisign or openpgp")
	case verify.Signature != "" && verify.Minisign != "" && verify.OpenPGP != "":
		found.add("source.verify.signature", "cannot be both: with minisign and openpgp the signatures lie at .minisig and .asc")
	}
}

func (m *Manifest) checkZone(found *problems) {
	source := &m.Source
	if !source.IsZone() {
		if len(source.Primary) > 0 {
			found.add("source.primary", "is for a source with rpz or catalog")
		}
		return
	}
	if len(source.Primary) == 0 {
		found.add("source.primary", "is missing: the servers to transfer the zone from, as [192.0.2.53]")
	}
	if len(source.Primary) > maxPrimaries {
		found.add("source.primary", "names %d servers; at most %d are tried", len(source.Primary), maxPrimaries)
	}
	encrypted := false
	for i, text := range source.Primary {
		primary, err := ParsePrimary(text)
		if err != nil {
			found.add(fmt.Sprintf("source.primary[%d]", i), "%s", err)
		}
		encrypted = encrypted || primary.TLS
	}
	if encrypted && source.TLS.ServerName == "" && len(source.TLS.Pins) == 0 {
		found.add("source.tls", "needs server_name or pins: without either, anybody could be the primary")
	}
	source.TSIG.check("source.tsig", found)
}

// check says what is wrong with a key that is given at all.
func (t TSIG) check(path string, found *problems) {
	switch {
	case t == TSIG{}:
	case t.Name == "":
		found.add(path+".name", "is missing: the name that both sides call the key by")
	case !slices.Contains(tsigAlgorithms, t.Algorithm):
		found.add(path+".algorithm", "%q is not one of %s", t.Algorithm, strings.Join(tsigAlgorithms, ", "))
	case t.SecretFile == "":
		found.add(path+".secret_file", "is missing: a file that holds the secret in base64")
	}
}

// Problems says what is wrong with a key that must be there; keys are relative to it.
func (t TSIG) Problems() []Problem {
	if t == (TSIG{}) {
		return []Problem{{Key: "", Text: "is missing: give name, algorithm and secret_file"}}
	}
	var found problems
	t.check("", &found)
	for i := range found {
		found[i].Key = strings.TrimPrefix(found[i].Key, ".")
	}
	return found
}

// tsigAlgorithms are those worth using (RFC 8945, section 6); MD5 and SHA-1 are not.
var tsigAlgorithms = []string{"hmac-sha256", "hmac-sha384", "hmac-sha512"}

// Primary is a server that a zone is transferred from.
type Primary struct {
	Addr netip.AddrPort
	TLS  bool
}

// ParsePrimary reads 192.0.2.53, 192.0.2.53@5353, tls://192.0.2.53 and
// tls://[2001:db8::53]:8853. A name will not do: whose resolver would be asked for it?
func ParsePrimary(text string) (Primary, error) {
	rest, encrypted := strings.CutPrefix(text, "tls://")
	port := uint16(53)
	if encrypted {
		port = 853
	}
	wrong := fmt.Errorf("%q is not an address of a server, as 192.0.2.53, 192.0.2.53@5353 or tls://192.0.2.53", text)
	if addr, err := netip.ParseAddrPort(rest); err == nil {
		return Primary{Addr: addr, TLS: encrypted}, nil
	}
	host, digits, found := strings.Cut(rest, "@")
	if found {
		number, err := strconv.ParseUint(digits, 10, 16)
		if err != nil || number == 0 {
			return Primary{}, wrong
		}
		port = uint16(number)
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	if err != nil {
		return Primary{}, wrong
	}
	return Primary{Addr: netip.AddrPortFrom(addr, port), TLS: encrypted}, nil
}
