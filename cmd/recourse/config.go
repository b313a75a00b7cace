package main

import (
	"net/netip"
	"reflect"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/redress/console"
	"github.com/recourse-dns/recourse/redress/notify"
	transparency "github.com/recourse-dns/recourse/redress/report"
)

// Config is the shape of the configuration file. Paths in it are relative to the
// file; [Config.File] gives them as the program opens them.
type Config struct {
	Operator   policy.Operator        `yaml:"operator"`
	Roles      []string               `yaml:"roles" oneof:"resolve,desk"`
	Listen     Listen                 `yaml:"listen"`
	TLS        Certificates           `yaml:"tls"`
	BlockPage  BlockPage              `yaml:"block_page"`
	OnCall     notify.OnCallConfig    `yaml:"on_call"`
	State      string                 `yaml:"state"`
	Resolver   Resolver               `yaml:"resolver"`
	Bundle     Bundle                 `yaml:"bundle"`
	Blocklists []*blocklists.Manifest `yaml:"blocklists"`
	Canaries   policy.Canaries        `yaml:"canaries"`
	Profiles   []profile.Config       `yaml:"profiles"`
	Clients    []profile.Client       `yaml:"clients"`
	ServeRPZ   ServeRPZ               `yaml:"serve_rpz"`
	Desk       Desk                   `yaml:"desk"`
	Report     transparency.Config    `yaml:"report"` // what the operator states in the transparency report
	Fleet      Fleet                  `yaml:"fleet"`

	report *report
}

// Listen is the addresses of all doors and of the web.
type Listen struct {
	Do53    []netip.AddrPort `yaml:"do53"` // UDP and TCP
	Web     []netip.AddrPort `yaml:"web"`
	WebTLS  []netip.AddrPort `yaml:"web_tls"` // the same pages over TLS
	Name    string           `yaml:"name"`    // by which clients verify the encrypted doors
	Metrics []netip.AddrPort `yaml:"metrics"`

	DoT               []netip.AddrPort `yaml:"dot"`
	DoH               []netip.AddrPort `yaml:"doh"`
	DoQ               []netip.AddrPort `yaml:"doq"`
	Freebind          bool             `yaml:"freebind"` // also addresses that no interface has now
	ProxyProtocolFrom []netip.Prefix   `yaml:"proxy_protocol_from"`
	WebTrustedProxies []netip.Prefix   `yaml:"web_trusted_proxies"` // whose word limits of the web take on where a request comes from

	RateLimit         RateLimit         `yaml:"rate_limit"`
	ResponseRateLimit ResponseRateLimit `yaml:"response_rate_limit"`
	Slip              uint32            `yaml:"slip"` // one in so many over a limit is told to come by TCP
	Limits            HeldLimits        `yaml:"limits"`
	CookieSecretFile  string            `yaml:"cookie_secret_file"` // of a fleet; one's own where empty
	NSID              string            `yaml:"nsid"`               // what this server calls itself; nothing where empty
}

// fixed is what of it changes with a restart only.
func (l Listen) fixed() Listen {
	l.CookieSecretFile = ""
	return l
}

// RateLimit is queries per second of one client, and how many at once.
type RateLimit struct {
	PerClient uint32 `yaml:"per_client"` // 0: no limit
	Burst     uint32 `yaml:"burst"`      // 0: twice as many
}

// ResponseRateLimit is replies of a kind per second to one network over UDP, and how many at once.
type ResponseRateLimit struct {
	PerNetwork uint32 `yaml:"per_network"` // 0: no limit
	Burst      uint32 `yaml:"burst"`       // 0: twice as many
}

// HeldLimits is how much clients may hold at the same time. 0 is the default.
type HeldLimits struct {
	Waiting              uint32 `yaml:"waiting"`
	Connections          uint32 `yaml:"connections"`
	ConnectionsPerClient uint32 `yaml:"connections_per_client"`
}

// BlockPage is the addresses that the answer `page` points to.
type BlockPage struct {
	Listen []netip.AddrPort `yaml:"listen"`
	IPv4   []netip.Addr     `yaml:"ipv4"`
	IPv6   []netip.Addr     `yaml:"ipv6"`
}

// Resolver is how questions are resolved.
type Resolver struct {
	Mode           string       `yaml:"mode" oneof:"recurse,forward"`
	Forward        []Upstream   `yaml:"forward"`
	Bootstrap      []Upstream   `yaml:"bootstrap"`                     // who looks up upstreams that have no address
	UpstreamCA     string       `yaml:"upstream_ca"`                   // certificates that upstreams' may come from, beside the system's
	Opportunistic  string       `yaml:"opportunistic" oneof:"off,dot"` // how authoritative servers are tried (RFC 9539)
	DNSSEC         string       `yaml:"dnssec" oneof:"validate,process,off"`
	Cache          Size         `yaml:"cache"`
	PersistCache   bool         `yaml:"persist_cache"` // from a clean end to the next start
	RootHints      string       `yaml:"root_hints"`    // a zone file; built in when empty
	TrustAnchors   string       `yaml:"trust_anchors"` // a zone file or none; built in when empty
	QueryLocalhost bool         `yaml:"query_localhost"`
	IPv4           bool         `yaml:"ipv4"`
	IPv6           bool         `yaml:"ipv6"`
	UpstreamPort   uint16       `yaml:"upstream_port"`
	EDNSSize       uint16       `yaml:"edns_size"`
	TTL            TTL          `yaml:"ttl"`
	Priming        bool         `yaml:"priming"`
	EDE            bool         `yaml:"ede"`
	Structured     Structured   `yaml:"structured_errors"`
	Harden         Harden       `yaml:"harden"`
	LocalZones     string       `yaml:"local_zones" oneof:"default,none"`
	ServeStale     ServeStale   `yaml:"serve_stale"`
	Zones          []Zone       `yaml:"zones"`
	DNS64          netip.Prefix `yaml:"dns64"`

	NegativeTrustAnchors []NegativeTrustAnchor `yaml:"negative_trust_anchors"`
	ValidationTime       time.Time             `yaml:"validation_time"`                  // signatures are judged as if it were this time
	SHA1                 string                `yaml:"sha1" oneof:"validate,insecure"`   // what algorithms 5 and 7 are worth
	Rollover             string                `yaml:"rollover" oneof:"builtin,all,off"` // which trust anchors follow their zones' keys (RFC 5011)
	NTPNames             []string              `yaml:"ntp_names"`                        // answered unvalidated while the clock cannot be true
	QNAMEMinimisation    string                `yaml:"qname_minimisation" oneof:"relaxed,strict,off"`
	RandomiseCase        bool                  `yaml:"randomise_case"`
	Prefetch             bool                  `yaml:"prefetch"`
	AggressiveNSEC       bool                  `yaml:"aggressive_nsec"`
	MinimalResponses     bool                  `yaml:"minimal_responses"`
	PrivateAddresses     []netip.Prefix        `yaml:"private_addresses"` // no public name may lead to them
	PrivateNames         []string              `yaml:"private_names"`     // the operator's own, which may
	LocalRecords         []string              `yaml:"local_records"`     // lines of a zone file
	Snoop                []netip.Prefix        `yaml:"snoop"`             // may ask without recursion
	ErrorReporting       bool                  `yaml:"error_reporting"`   // to agents of zones (RFC 9567)
}

// TTL bounds how long answers are kept.
type TTL struct {
	Min         time.Duration `yaml:"min"`
	Max         time.Duration `yaml:"max"`
	MaxNegative time.Duration `yaml:"max_negative"`
}

// Harden is which parts of a reply are believed.
type Harden struct {
	Glue          bool `yaml:"glue"`          // glue counts within the zone that the referral came from alone
	ReferralPath  bool `yaml:"referral_path"` // name servers are looked up and validated
	BelowNXDomain bool `yaml:"below_nxdomain"`
}

// ServeStale is when answers are given past their TTL (RFC 8767).
type ServeStale struct {
	After time.Duration `yaml:"after"`
	UpTo  time.Duration `yaml:"up_to"`
	TTL   time.Duration `yaml:"ttl"`
}

// Zone is a zone whose servers are configured: resolvers (forward) or the zone's own (stub).
// With a list it is instead what answers, by servers or records, where the list blocks.
type Zone struct {
	Zone    string            `yaml:"zone"`
	Forward []Upstream        `yaml:"forward"`
	Stub    []Upstream        `yaml:"stub"`
	Records []string          `yaml:"records"` // lines of a zone file
	First   bool              `yaml:"first"`
	List    blocklists.ListID `yaml:"list"`
}

// NegativeTrustAnchor is a zone that is not validated for a time (RFC 7646).
type NegativeTrustAnchor struct {
	Zone  string    `yaml:"zone"`
	Until time.Time `yaml:"until"`
}

// Bundle is how lists are taken in.
type Bundle struct {
	Guard     string            `yaml:"guard" oneof:"on,off"`
	Protected []string          `yaml:"protected"` // names and prefixes that no entry blocks without people
	Popular   Popular           `yaml:"popular"`
	Limits    blocklists.Limits `yaml:"limits"`
	Licensed  []Licensed        `yaml:"licensed"`
	Keep      uint8             `yaml:"keep"` // generations to go back to
}

// Popular is a list of names by rank, and the rank above which an entry is held.
type Popular struct {
	File      string `yaml:"file"`
	HoldAbove uint32 `yaml:"hold_above"`
}

// Licensed is names that an authority allows: where a list blocks one, plan says so.
type Licensed struct {
	Title        string   `yaml:"title"`
	File         string   `yaml:"file"`
	Jurisdiction []string `yaml:"jurisdiction"`
}

// ServeRPZ is our policy as a zone for other resolvers.
type ServeRPZ struct {
	Zone          string               `yaml:"zone"`
	Purposes      []blocklists.Purpose `yaml:"purposes"`
	PerList       bool                 `yaml:"per_list"`     // a zone for each list, below the zone
	Jurisdiction  string               `yaml:"jurisdiction"` // whose law
	Notify        []string             `yaml:"notify"`
	TSIG          blocklists.TSIG      `yaml:"tsig"`
	AllowUnsigned []netip.Prefix       `yaml:"allow_unsigned"` // who may transfer without TSIG
}

// Desk is the side with people.
type Desk struct {
	Store       string            `yaml:"store"`            // sqlite or postgres://user@host/db
	ContactKey  string            `yaml:"contact_key_file"` // of a fleet; one's own where empty
	Tokens      []Token           `yaml:"tokens"`
	OIDC        OIDC              `yaml:"oidc"`
	Mail        notify.SMTPConfig `yaml:"mail"`
	Retention   Retention         `yaml:"retention"`
	Misuse      Misuse            `yaml:"misuse"`
	Console     console.Access    `yaml:"console"`       // from where staff reaches its pages
	Country     string            `yaml:"country"`       // where the operator works, as IT: its public holidays are no working days
	Retest      []RetestPoint     `yaml:"retest"`        // networks from which a site that was cleaned is looked at
	PlainSignIn bool              `yaml:"plain_sign_in"` // over plain HTTP, from the local network

	Households []HouseholdAccount `yaml:"households"` // accounts that are bound to the profiles of a home; none: there is one home
}

// Token lets a program act. Those of reviewers, operators and authorities work in this version.
type Token struct {
	Name  string    `yaml:"name"`
	Role  string    `yaml:"role" oneof:"reviewer,second_reviewer,operator,auditor,authority,household,provisioning,node"`
	File  string    `yaml:"file"`
	Until time.Time `yaml:"until"` // no end where zero
	// Cleared: its bearer may decide cases about secret lists.
	Cleared bool `yaml:"cleared"`

	Authority    string              `yaml:"authority"`
	Jurisdiction []string            `yaml:"jurisdiction"`
	Lists        []blocklists.ListID `yaml:"lists"`
	Profiles     []string            `yaml:"profiles"`    // of a household; all where empty
	DailyMax     uint32              `yaml:"daily_max"`   // names; no bound where 0
	Networks     []netip.Prefix      `yaml:"networks"`    // from which it works; anywhere where empty
	Certificate  string              `yaml:"certificate"` // a file of client certificates of which one must be shown
	Rate         TokenRate           `yaml:"rate"`        // how often it may call; without a limit where empty
	Mail         string              `yaml:"mail"`        // where the authority is told of its orders
}

// TokenRate is calls at once, and calls more a minute.
type TokenRate struct {
	Burst     uint32 `yaml:"burst"`
	PerMinute uint32 `yaml:"per_minute"`
}

// OIDC is a provider of identities for people who sign in.
type OIDC struct {
	Issuer           string `yaml:"issuer"`
	ClientID         string `yaml:"client_id"`
	ClientSecretFile string `yaml:"client_secret_file"`
	Name             string `yaml:"name"` // what the button says; the issuer's host where empty
	Roles            Claims `yaml:"roles"`
}

// Claims is how what the provider says of a person becomes a role.
type Claims struct {
	Claim string            `yaml:"claim"` // dotted: realm_access.roles
	Map   map[string]string `yaml:"map"`   // its words to roles
}

// noAnchors is the word that takes the place of a file of trust anchors.
const noAnchors = "none"

// startsAs says whether what is read at the start alone is the same in another configuration.
func (c *Config) startsAs(other *Config) bool {
	return reflect.DeepEqual(c.Listen.fixed(), other.Listen.fixed()) && reflect.DeepEqual(c.Desk.Console, other.Desk.Console) && reflect.DeepEqual(c.TLS, other.TLS) && reflect.DeepEqual(c.BlockPage, other.BlockPage) && c.StateDir() == other.StateDir() && reflect.DeepEqual(c.ServeRPZ, other.ServeRPZ) && reflect.DeepEqual(c.Resolver.Zones, other.Resolver.Zones)
}
