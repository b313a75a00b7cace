package scenario

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Config is what the CONFIG section says: how the resolver under test is set.
type Config struct {
	Root            []netip.Addr // of the root servers; none: those of the ZONE of the root
	Anchors         []string     // "zone." for the keys of a ZONE, or whole records
	NoAnchors       bool
	Validation      string // validate, process, off
	NegativeAnchors []NegativeAnchor
	Forward         []resolver.Server // everything is forwarded
	Zones           []Upstream        // forward-zone and stub-zone
	IPv4, IPv6      bool
	QueryLocalhost  bool
	Priming         bool
	EDNSSize        uint16

	TTLMin, TTLMax, TTLMaxNegative time.Duration
	CacheSize                      int64
	Prefetch, AggressiveNSEC       bool
	Stale                          *Stale

	Minimisation                       string // off, relaxed, strict
	RandomiseCase, HardenBelowNXDOMAIN bool
	HardenGlue, HardenReferralPath     bool
	Rollover                           bool // the keys of the anchors are followed (RFC 5011)
	MinimalResponses                   bool
	SHA1                               string // validate, insecure
	LocalZones, ReportErrors           bool
	DNS64                              netip.Prefix
	PrivateAddresses, Snoop            []netip.Prefix
	ValidationTime                     time.Duration // as an offset to the clock
}

// Upstream is a zone that is asked of certain servers.
type Upstream struct {
	Zone    wire.Name
	Stub    bool
	First   bool
	Servers []resolver.Server
}

// NegativeAnchor is a zone that is not validated, for a while or for ever.
type NegativeAnchor struct {
	Zone  wire.Name
	Lasts time.Duration // 0: for ever
}

// Stale is how long after its end an answer may still be given.
type Stale struct{ After, UpTo, TTL time.Duration }

func defaultConfig() Config {
	return Config{Validation: "validate", IPv4: true, IPv6: true, LocalZones: true, Minimisation: "off", HardenBelowNXDOMAIN: true, HardenGlue: true, MinimalResponses: true, SHA1: "validate"}
}

// config reads the lines up to CONFIG_END, each "key: value", a comment behind ";" or "#".
func (r *reader) config() error {
	for r.next() {
		if r.words[0] == "CONFIG_END" {
			return nil
		}
		text, _, _ := strings.Cut(r.text(), "#")
		if strings.TrimSpace(text) == "" {
			continue
		}
		key, value, found := strings.Cut(text, ":")
		if !found {
			return r.errorf("%q is not \"key: value\"", strings.TrimSpace(text))
		}
		if err := r.scenario.Config.set(strings.TrimSpace(key), strings.Fields(value)); err != nil {
			return r.errorf("%s: %w", strings.TrimSpace(key), err)
		}
	}
	return r.errorf("no CONFIG_END")
}

// maxValues bounds what a key that may come again can gather.
const maxValues = 64

func (c *Config) set(key string, values []string) error {
	if len(values) == 0 || len(values) > maxValues {
		return fmt.Errorf("wants a value")
	}
	if at, found := c.booleans()[key]; found {
		return setBoolean(at, values[0])
	}
	if at, found := c.durations()[key]; found {
		elapse, err := seconds(values[0])
		*at = elapse
		return err
	}
	if at, found := c.prefixes()[key]; found {
		prefix, err := netip.ParsePrefix(values[0])
		if *at = append(*at, prefix); len(*at) > maxValues {
			return fmt.Errorf("more than %d", maxValues)
		}
		return err
	}
	if at, allowed := c.words(key); at != nil {
		return setWord(at, values[0], allowed)
	}
	return c.setOther(key, values)
}

func (c *Config) booleans() map[string]*bool {
	return map[string]*bool{
		"ipv4": &c.IPv4, "ipv6": &c.IPv6, "query-localhost": &c.QueryLocalhost, "priming": &c.Priming,
		"prefetch": &c.Prefetch, "aggressive-nsec": &c.AggressiveNSEC, "randomise-case": &c.RandomiseCase,
		"harden-below-nxdomain": &c.HardenBelowNXDOMAIN, "harden-glue": &c.HardenGlue, "harden-referral-path": &c.HardenReferralPath,
		"rollover":          &c.Rollover,
		"minimal-responses": &c.MinimalResponses, "local-zones": &c.LocalZones, "report-errors": &c.ReportErrors,
	}
}

func (c *Config) durations() map[string]*time.Duration {
	return map[string]*time.Duration{"ttl-min": &c.TTLMin, "ttl-max": &c.TTLMax, "ttl-max-negative": &c.TTLMaxNegative, "validation-time": &c.ValidationTime}
}

func (c *Config) prefixes() map[string]*[]netip.Prefix {
	return map[string]*[]netip.Prefix{"private-address": &c.PrivateAddresses, "snoop": &c.Snoop}
}

func (c *Config) words(key string) (*string, []string) {
	switch key {
	case "validation":
		return &c.Validation, []string{"validate", "process", "off"}
	case "qname-minimisation":
		return &c.Minimisation, []string{"off", "relaxed", "strict"}
	case "sha1":
		return &c.SHA1, []string{"validate", "insecure"}
	}
	return nil, nil
}

func setBoolean(at *bool, value string) error {
	*at = value == "yes"
	if value != "yes" && value != "no" {
		return fmt.Errorf("%q is neither yes nor no", value)
	}
	return nil
}

func setWord(at *string, value string, allowed []string) error {
	for _, word := range allowed {
		if value == word {
			*at = word
			return nil
		}
	}
	return fmt.Errorf("%q is none of %s", value, strings.Join(allowed, ", "))
}

func (c *Config) setOther(key string, values []string) error {
	switch key {
	case "root":
		for _, value := range values {
			addr, err := netip.ParseAddr(value)
			if err != nil {
				return err
			}
			c.Root = append(c.Root, addr)
		}
	case "anchor":
		c.Anchors = append(c.Anchors, strings.Join(values, " "))
		c.NoAnchors = values[0] == "none"
	case "negative-anchor":
		return c.setNegative(values)
	case "forward":
		servers, err := serversOf(values)
		c.Forward = append(c.Forward, servers...)
		return err
	case "forward-zone", "stub-zone":
		return c.setUpstream(key == "stub-zone", values)
	case "edns-size":
		size, err := strconv.ParseUint(values[0], 10, 16)
		c.EDNSSize = uint16(size)
		return err
	case "cache-size":
		size, err := strconv.ParseInt(values[0], 10, 40)
		c.CacheSize = size
		return err
	case "serve-stale":
		return c.setStale(values)
	case "dns64":
		prefix, err := netip.ParsePrefix(values[0])
		c.DNS64 = prefix
		return err
	default:
		return fmt.Errorf("no such key")
	}
	if len(c.Root)+len(c.Anchors)+len(c.NegativeAnchors) > maxValues {
		return fmt.Errorf("more than %d values", maxValues)
	}
	return nil
}

func serversOf(values []string) ([]resolver.Server, error) {
	var servers []resolver.Server
	for _, value := range values {
		server, err := resolver.ParseServer(value)
		if err != nil {
			return nil, err
		}
		servers = append(servers, server)
	}
	return servers, nil
}

// setUpstream reads "zone. address…", with "first" at the end where the servers
// may be passed over.
func (c *Config) setUpstream(stub bool, values []string) error {
	zone, err := wire.ParseName(values[0])
	if err != nil {
		return err
	}
	upstream := Upstream{Zone: zone, Stub: stub}
	values = values[1:]
	if len(values) > 0 && values[len(values)-1] == "first" {
		upstream.First, values = true, values[:len(values)-1]
	}
	if upstream.Servers, err = serversOf(values); err != nil {
		return err
	}
	if len(upstream.Servers) == 0 || len(c.Zones) >= maxValues {
		return fmt.Errorf("%q: no server, or too many zones", zone)
	}
	c.Zones = append(c.Zones, upstream)
	return nil
}

// setNegative reads "zone." and perhaps how many seconds it lasts.
func (c *Config) setNegative(values []string) error {
	zone, err := wire.ParseName(values[0])
	if err != nil {
		return err
	}
	anchor := NegativeAnchor{Zone: zone}
	if len(values) > 1 {
		if anchor.Lasts, err = seconds(values[1]); err != nil {
			return err
		}
	}
	if c.NegativeAnchors = append(c.NegativeAnchors, anchor); len(c.NegativeAnchors) > maxValues {
		return fmt.Errorf("more than %d", maxValues)
	}
	return nil
}

// setStale reads "after up-to ttl", in seconds.
func (c *Config) setStale(values []string) error {
	if len(values) != 3 {
		return fmt.Errorf("wants after, up to and ttl")
	}
	var stale Stale
	for i, at := range []*time.Duration{&stale.After, &stale.UpTo, &stale.TTL} {
		elapse, err := seconds(values[i])
		if err != nil {
			return err
		}
		*at = elapse
	}
	c.Stale = &stale
	return nil
}
