package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/wire"
	"github.com/recourse-dns/recourse/transports/tlsconf"
)

// checkTLS reads the certificates, as the doors will.
func (c *Config) checkTLS() {
	if c.report.isBad("tls") {
		return
	}
	said := &c.TLS
	if !c.Encrypted() && !c.report.isBad("listen") && (len(said.pairs()) > 0 || said.ACME.Wanted()) {
		c.report.warn("tls", "nothing presents a certificate: give listen.dot, doh, doq or web_tls")
	}
	var read []*tls.Certificate
	if said.CertificatePair != (CertificatePair{}) {
		read = append(read, c.checkPair("tls", said.CertificatePair))
	}
	for i, pair := range said.More {
		read = append(read, c.checkPair(item("tls.more", i), pair))
	}
	read = slices.DeleteFunc(read, func(one *tls.Certificate) bool { return one == nil })
	c.checkACME()
	c.checkSelfSigned()
	c.checkPresented(read)
	c.checkOwnName(read)
}

// checkOwnName looks at the name that clients are told to verify the doors by.
func (c *Config) checkOwnName(read []*tls.Certificate) {
	text := c.Listen.Name
	if text == "" || c.report.isBad("listen.name") {
		return
	}
	name, err := wire.ParseName(text)
	switch {
	case err != nil || strings.ContainsFunc(text, isNoHost) || name == wire.Root:
		c.report.problem("listen.name", "%s is not a name of a host, as dns.example.net", quote(text))
	case name.IsBelow(wire.MustName("resolver.arpa")):
		c.report.problem("listen.name", "%s is every resolver's: no certificate can be for it", quote(text))
	case !c.Sound("tls") || !c.Encrypted():
	case len(read) > 0 || c.TLS.ACME.Wanted():
		if !c.isFor(strings.TrimSuffix(text, "."), read) {
			c.report.warn("listen.name", "no certificate is for %s: clients that are told of the doors by it turn away", quote(text))
		}
	}
}

// checkPair gives the certificate; nil where it cannot be used, and says why.
func (c *Config) checkPair(path string, pair CertificatePair) *tls.Certificate {
	switch {
	case pair.Certificate == "":
		c.report.problem(child(path, "certificate"), "is missing: a file with the certificate and its chain, in PEM")
		return nil
	case pair.Key == "":
		c.report.problem(child(path, "key"), "is missing: a file with the private key, in PEM; it may be the certificate's")
		return nil
	}
	read, err := tlsconf.Pair{Certificate: c.File(pair.Certificate), Key: c.File(pair.Key)}.Read()
	var problem *tlsconf.FileError
	if errors.As(err, &problem) {
		key, file := "certificate", pair.Certificate
		if problem.File == c.File(pair.Key) && pair.Key != pair.Certificate {
			key, file = "key", pair.Key
		}
		c.fileProblem(child(path, key), file, permissionHint(problem.Err))
		if key == "certificate" && pair.Key != pair.Certificate {
			c.checkFile(child(path, "key"), pair.Key) // all that is wrong is told in one run
		}
		return nil
	}
	c.checkEnd(child(path, "certificate"), pair.Certificate, read)
	if about, err := os.Stat(c.File(pair.Key)); err == nil && about.Mode().Perm()&0o007 != 0 {
		c.report.warn(child(path, "key"), "%s is open to everybody on this machine: chmod 640, or 600", quote(pair.Key))
	}
	return read
}

// checkSelfSigned looks at the one that was made at an earlier start, where it will be used.
// Who may not look at the state is not told that it is damaged.
func (c *Config) checkSelfSigned() {
	if !c.Encrypted() || len(c.TLS.pairs()) > 0 || c.report.isBad("state") {
		return
	}
	file := filepath.Join(c.StateDir(), tlsconf.SelfSignedFile)
	_, err := tlsconf.Pair{Certificate: file, Key: file}.Read()
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
		c.report.problem("state", "%s; remove the file to have another made", err)
	}
}

// permissionHint says who has to be let in.
func permissionHint(err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	who := "the user that this runs as"
	if own, err := user.Current(); err == nil {
		who = "user " + quote(own.Username)
	}
	return fmt.Errorf("may not be read by %s: let that user own it, or its group read it (chmod 640), and enter the folders above", who)
}

// checkEnd warns of a certificate that has ended, or will soon.
func (c *Config) checkEnd(path, file string, read *tls.Certificate) {
	now, until := time.Now(), read.Leaf.NotAfter.UTC().Format(time.RFC3339)
	switch {
	case now.Before(read.Leaf.NotBefore):
		c.report.warn(path, "%s holds from %s on only: clients that verify it turn away until then", quote(file), read.Leaf.NotBefore.UTC().Format(time.RFC3339))
	case tlsconf.ExpiryOf(read.Leaf, now) == tlsconf.Ended:
		c.report.warn(path, "%s ended on %s: clients that verify it turn away; renew it", quote(file), until)
	case tlsconf.ExpiryOf(read.Leaf, now) != tlsconf.Fresh:
		c.report.warn(path, "%s ends on %s: renew it", quote(file), until)
	}
}

// checkPresented warns where the portal is served by certificates that are not for it.
func (c *Config) checkPresented(read []*tls.Certificate) {
	portal, err := url.Parse(c.Operator.Portal)
	if err != nil || portal.Scheme != "https" || len(c.Listen.WebTLS) == 0 || !c.Sound("tls") {
		return
	}
	host := portal.Hostname()
	if c.isFor(host, read) {
		return
	}
	switch {
	case len(read) > 0 || c.TLS.ACME.Wanted():
		c.report.warn("operator.portal", "no certificate is for %s: browsers that come to listen.web_tls turn away", quote(host))
	default:
		c.report.warn("listen.web_tls", "the certificate is self-signed: browsers warn their users; give tls.certificate or tls.acme")
	}
}

// isFor says whether a certificate that was read, or is ordered, is good for a host.
func (c *Config) isFor(host string, read []*tls.Certificate) bool {
	if slices.ContainsFunc(read, func(one *tls.Certificate) bool { return one.Leaf.VerifyHostname(host) == nil }) {
		return true
	}
	if !c.TLS.ACME.Wanted() {
		return false
	}
	names, addrs := c.TLS.ACME.subjects()
	if addr, err := netip.ParseAddr(host); err == nil {
		return slices.Contains(addrs, addr)
	}
	_, above, _ := strings.Cut(host, ".")
	return slices.Contains(names, strings.ToLower(host)) || slices.Contains(names, "*."+strings.ToLower(above))
}

func (c *Config) checkACME() {
	said := &c.TLS.ACME
	if !said.Wanted() {
		if _, given := c.report.lines["tls.acme"]; given {
			c.report.problem("tls.acme.directory", "is missing: the address of the authority's directory, as https://acme-v02.api.letsencrypt.org/directory")
		}
		return
	}
	if address, err := url.Parse(said.Directory); err != nil || address.Scheme != "https" || address.Host == "" {
		c.report.problem("tls.acme.directory", "%s is not an https address", quote(said.Directory))
	}
	if said.Email != "" && !strings.Contains(said.Email, "@") {
		c.report.problem("tls.acme.email", "%s is not an address of mail", quote(said.Email))
	}
	if len(said.Names) == 0 {
		c.report.problem("tls.acme.names", "is missing: the names, and addresses, that the certificate is to be good for")
	}
	for i, name := range said.Names {
		c.checkSubject(item("tls.acme.names", i), name)
	}
	if said.CA != "" {
		if _, err := c.ReadRoots(said.CA); err != nil {
			c.fileProblem("tls.acme.ca", said.CA, err)
		}
	}
	c.checkAccount()
	if said.Challenge == tlsconf.ChallengeDNS {
		c.checkUpdate()
	} else {
		c.checkReached()
	}
}

func (c *Config) checkSubject(path, text string) {
	dns := c.TLS.ACME.Challenge == tlsconf.ChallengeDNS
	if _, err := netip.ParseAddr(text); err == nil {
		if dns {
			c.report.problem(path, "%s is an address, which dns-01 cannot prove: use tls-alpn-01", quote(text))
		}
		return
	}
	name, wildcard := strings.CutPrefix(text, "*.")
	if _, err := wire.ParseName(name); err != nil || strings.ContainsFunc(name, isNoHost) || !strings.Contains(strings.TrimSuffix(name, "."), ".") {
		c.report.problem(path, "%s is not a name as dns.example.net, in its xn-- form, nor an address", quote(text))
	} else if wildcard && !dns {
		c.report.problem(path, "%s is a wildcard, which only dns-01 can prove", quote(text))
	}
}

// isNoHost finds what no name of a host has.
func isNoHost(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.'
}

func (c *Config) checkAccount() {
	said := &c.TLS.ACME.Account
	switch {
	case (said.KeyID == "") != (said.KeyFile == ""):
		c.report.problem("tls.acme.account", "key_id and key_file go together: the authority gives out both")
	case said.KeyFile != "":
		if _, err := c.ReadAccountKey(said.KeyFile); err != nil {
			c.fileProblem("tls.acme.account.key_file", said.KeyFile, err)
		}
	}
}

// checkReached: for tls-alpn-01 the authority connects to port 443.
func (c *Config) checkReached() {
	said := &c.TLS.ACME
	switch at := c.reached(); {
	case said.Listen.IsValid() && said.Listen.Port() == 0:
		c.report.problem("tls.acme.listen", "%s has no port", said.Listen)
	case said.Listen.IsValid() && said.Listen.Port() != portHTTPS:
		c.report.warn("tls.acme.listen", "the authority comes to port 443: something must lead from there to %s", said.Listen)
	case said.Listen.IsValid():
	case !at.IsValid():
		c.report.problem("tls.acme.listen", "is missing: for tls-alpn-01 the authority comes to port 443, where neither listen.doh nor web_tls is; as 0.0.0.0:443, or use dns-01")
	case at.Port() != portHTTPS:
		c.report.warn("tls.acme.challenge", "the authority comes to port 443: something must lead from there to %s, or give listen", at)
	}
}

func (c *Config) checkUpdate() {
	said := &c.TLS.ACME.Update
	primary, err := blocklists.ParsePrimary(said.Server)
	switch {
	case said.Server == "":
		c.report.problem("tls.acme.update.server", "is missing: the primary of the zone, as 192.0.2.53")
	case err != nil || primary.TLS:
		c.report.problem("tls.acme.update.server", "%s is not an address of a server, as 192.0.2.53 or 192.0.2.53@5353", quote(said.Server))
	case said.TSIG == (blocklists.TSIG{}):
		c.report.warn("tls.acme.update", "updates are not signed: give tsig, unless the server takes them by our address")
	}
	if said.Zone != "" {
		if _, err := wire.ParseName(said.Zone); err != nil {
			c.report.problem("tls.acme.update.zone", "%s", err)
		}
	}
	if said.TSIG != (blocklists.TSIG{}) {
		for _, problem := range said.TSIG.Problems() {
			c.report.problem(child("tls.acme.update.tsig", problem.Key), "%s", problem.Text)
		}
		c.checkTSIG("tls.acme.update.tsig", said.TSIG)
	}
}
