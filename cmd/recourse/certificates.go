package main

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/idna"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/transports/tlsconf"
)

// startCertificates makes what the encrypted doors and the web present, where there are any.
func (n *node) startCertificates(held *state, counts *metrics) error {
	if !n.config.Encrypted() {
		return nil
	}
	settings, err := n.config.certificates(held.dir)
	if err != nil {
		return err
	}
	if n.certificates, err = tlsconf.New(settings, n.logger); err != nil {
		return err
	}
	counts.watchCertificates(n.certificates)
	return nil
}

// certified are the names that the certificates are good for.
func (n *node) certified() []string {
	if n.certificates == nil {
		return nil
	}
	return n.certificates.Names()
}

// followCertificates begins when the doors are open: an authority comes there.
func (n *node) followCertificates(ctx context.Context) {
	if n.certificates != nil {
		n.background(ctx, n.certificates.Run)
	}
}

// welcomeCertificates tells how a client can know a certificate that no authority vouches for.
func (n *node) welcomeCertificates(text *strings.Builder) {
	if n.certificates == nil {
		return
	}
	for _, one := range n.certificates.Status() {
		if one.Source == "self-signed" {
			fmt.Fprintf(text, "TLS      self-signed for %s; kdig +tls-pin=%s\n", one.Name(), tlsconf.Pin(one.Leaf))
		}
	}
}

// reloadCertificates looks at once for what would be seen within seconds anyway.
func (n *node) reloadCertificates() {
	if n.certificates == nil {
		return
	}
	if err := n.certificates.Reload(); err != nil {
		n.logger.Error("a certificate is not replaced; the one in use stays", "error", err)
	}
}

// Encrypted says whether anything listens that needs a certificate.
func (c *Config) Encrypted() bool {
	listen := &c.Listen
	return len(listen.DoT)+len(listen.DoH)+len(listen.DoQ)+len(listen.WebTLS)+len(c.Desk.Console.ListenTLS) > 0
}

// certificates is where they come from, as the program opens the files.
func (c *Config) certificates(state string) (tlsconf.Config, error) {
	made := tlsconf.Config{State: state, Addresses: c.ownAddresses()}
	portal, addr := c.portalHost()
	for _, name := range []string{strings.ToLower(strings.TrimSuffix(c.Listen.Name, ".")), portal} {
		if name != "" {
			made.Names = append(made.Names, name)
		}
	}
	if addr.IsValid() && !slices.Contains(made.Addresses, addr) {
		made.Addresses = append(made.Addresses, addr)
	}
	for _, pair := range c.TLS.pairs() {
		made.Pairs = append(made.Pairs, tlsconf.Pair{Certificate: c.File(pair.Certificate), Key: c.File(pair.Key)})
	}
	if !c.TLS.ACME.Wanted() {
		made.Names = sortedOut(append(made.Names, "localhost"))
		return made, nil
	}
	ordered, err := c.ordered()
	made.ACME = &ordered
	// Until the authority has signed, what is signed here is for the same names.
	made.Names = sortedOut(slices.Concat(ordered.Names, made.Names, []string{"localhost"}))
	return made, err
}

// sortedOut leaves out what comes again, and wildcards.
func sortedOut(names []string) []string {
	var kept []string
	for _, name := range names {
		if !slices.Contains(kept, name) && !strings.HasPrefix(name, "*.") {
			kept = append(kept, name)
		}
	}
	return kept
}

// portalHost is the name or the address in the portal's address.
func (c *Config) portalHost() (string, netip.Addr) {
	portal, err := url.Parse(c.Operator.Portal)
	if err != nil {
		return "", netip.Addr{}
	}
	host, err := idna.Lookup.ToASCII(portal.Hostname())
	if err != nil {
		host = "" // no certificate can be for it
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return "", addr.WithZone("")
	}
	return host, netip.Addr{}
}

// ordered is how a certificate is ordered, with the files read that this takes.
func (c *Config) ordered() (tlsconf.ACME, error) {
	said := &c.TLS.ACME
	made := tlsconf.ACME{Directory: said.Directory, Email: said.Email, Challenge: said.Challenge, Reached: c.reached(), Listen: said.Listen, AccountID: said.Account.KeyID}
	made.Names, made.Addresses = said.subjects()
	var err error
	if said.CA != "" {
		if made.Roots, err = c.ReadRoots(said.CA); err != nil {
			return made, fmt.Errorf("tls.acme.ca: %q %w", said.CA, err)
		}
	}
	if said.Account.KeyFile != "" {
		if made.AccountKey, err = c.ReadAccountKey(said.Account.KeyFile); err != nil {
			return made, fmt.Errorf("tls.acme.account.key_file: %q %w", said.Account.KeyFile, err)
		}
	}
	if said.Challenge == tlsconf.ChallengeDNS {
		made.Update, err = c.update()
	}
	return made, err
}

func (c *Config) update() (tlsconf.Update, error) {
	said := &c.TLS.ACME.Update
	primary, err := blocklists.ParsePrimary(said.Server)
	if err != nil {
		return tlsconf.Update{}, fmt.Errorf("tls.acme.update.server: %w", err)
	}
	made := tlsconf.Update{Server: primary.Addr, Zone: said.Zone, Wait: said.Wait, KeyName: said.TSIG.Name, Algorithm: said.TSIG.Algorithm}
	if said.TSIG.SecretFile != "" {
		made.Secret, err = c.ReadSecret(said.TSIG.SecretFile)
	}
	return made, err
}

// subjects are the names and the addresses of the certificate.
func (a *ACME) subjects() ([]string, []netip.Addr) {
	var names []string
	var addrs []netip.Addr
	for _, text := range a.Names {
		if addr, err := netip.ParseAddr(text); err == nil {
			addrs = append(addrs, addr.Unmap())
		} else {
			names = append(names, strings.ToLower(strings.TrimSuffix(text, ".")))
		}
	}
	return names, addrs
}

// reached is where the authority comes to for tls-alpn-01: a listener at port 443, else
// any, since there may be a way from that port.
func (c *Config) reached() netip.AddrPort {
	able := slices.Concat(c.Listen.DoH, c.Listen.WebTLS)
	for _, address := range able {
		if address.Port() == portHTTPS {
			return address
		}
	}
	if len(able) > 0 {
		return able[0]
	}
	return netip.AddrPort{}
}

// portHTTPS is the port that authorities connect to (RFC 8737, section 3).
const portHTTPS = 443

// maxRoots bounds a file of an authority's certificates.
const maxRoots = 1 << 20

// ReadRoots reads the certificates that verify an authority's own.
func (c *Config) ReadRoots(path string) (*x509.CertPool, error) {
	octets, err := c.readSmall(path, maxRoots)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(octets) {
		return nil, errors.New("holds no certificate in PEM")
	}
	return roots, nil
}

// ReadAccountKey reads what an authority gave out with the identifier of an account.
func (c *Config) ReadAccountKey(path string) (string, error) {
	octets, err := c.readSmall(path, maxSecret)
	if err != nil {
		return "", err
	}
	text := strings.TrimRight(strings.TrimSpace(string(octets)), "=")
	if key, err := base64.RawURLEncoding.DecodeString(text); err != nil || len(key) == 0 {
		return "", errors.New("holds no key in base64 for addresses (RFC 4648, section 5)")
	}
	return text, nil
}

// readSmall reads a file that has at most so many octets.
func (c *Config) readSmall(path string, most int64) ([]byte, error) {
	file, err := openFile(c.File(path))
	if err != nil {
		return nil, errors.New("cannot be read: " + reason(err))
	}
	defer func() { _ = file.Close() }() // read only: nothing is lost
	octets, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && int64(len(octets)) > most {
		err = fmt.Errorf("is larger than %d octets", most)
	}
	return octets, err
}

// pairs are the files of certificates, the first one first.
func (c *Certificates) pairs() []CertificatePair {
	var pairs []CertificatePair
	if c.CertificatePair != (CertificatePair{}) {
		pairs = append(pairs, c.CertificatePair)
	}
	return append(pairs, c.More...)
}

// ownAddresses are those that clients come to, plain ones included: who discovers a door
// by the address of the plain one verifies that address (RFC 9462, section 4.2). A
// listener on all addresses stands for loopback alone, since the others come and go.
func (c *Config) ownAddresses() []netip.Addr {
	var addrs []netip.Addr
	listen := &c.Listen
	for _, address := range slices.Concat(listen.Do53, listen.DoT, listen.DoH, listen.DoQ, listen.WebTLS) {
		addr := address.Addr().WithZone("")
		switch {
		case !addr.IsUnspecified():
		case addr.Is4():
			addr = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		default:
			addr = netip.IPv6Loopback()
		}
		if addr.IsValid() && !slices.Contains(addrs, addr) {
			addrs = append(addrs, addr)
		}
	}
	return addrs
}
