package main

import (
	"net/netip"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

// Certificates is where the encrypted doors and the web take theirs from. Where it names
// none a self-signed one is made.
type Certificates struct {
	CertificatePair
	More []CertificatePair `yaml:"more"` // for other names, or with another kind of key
	ACME ACME              `yaml:"acme"`
}

// CertificatePair is two files of PEM blocks: a certificate with its chain, and the key.
type CertificatePair struct {
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
}

// ACME is how a certificate is ordered (RFC 8555).
type ACME struct {
	Directory string         `yaml:"directory"`
	Email     string         `yaml:"email"`
	Names     []string       `yaml:"names"` // names and addresses, of one certificate
	Challenge string         `yaml:"challenge" oneof:"tls-alpn-01,dns-01"`
	CA        string         `yaml:"ca"`      // a file of certificates that verify the directory's own
	Listen    netip.AddrPort `yaml:"listen"`  // for tls-alpn-01 where no door is at port 443
	Update    DynamicUpdate  `yaml:"update"`  // for dns-01
	Account   ACMEAccount    `yaml:"account"` // that the authority knows already
}

// DynamicUpdate is how records are put into a zone (RFC 2136).
type DynamicUpdate struct {
	Server string          `yaml:"server"` // the primary
	Zone   string          `yaml:"zone"`   // the server is asked for it where empty
	TSIG   blocklists.TSIG `yaml:"tsig"`
	Wait   time.Duration   `yaml:"wait"` // until the secondaries have it
}

// ACMEAccount binds the account to one outside ACME (RFC 8555, section 7.3.4).
type ACMEAccount struct {
	KeyID   string `yaml:"key_id"`
	KeyFile string `yaml:"key_file"`
}

// Wanted says whether certificates are to be ordered.
func (a *ACME) Wanted() bool { return a.Directory != "" }
