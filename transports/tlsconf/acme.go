package tlsconf

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3/acme"
	"go.uber.org/zap"
)

// The challenges by which an authority sees that names are ours.
const (
	ChallengeTLSALPN = "tls-alpn-01" // RFC 8737
	ChallengeDNS     = "dns-01"      // RFC 8555, section 8.4
)

// ACME says how one certificate for all names is ordered (RFC 8555). By ordering, the
// terms of the authority are agreed to.
type ACME struct {
	Directory string // https address of the authority's directory
	Email     string // whom the authority writes to; may be empty
	Names     []string
	Addresses []netip.Addr // RFC 8738
	Challenge string
	// Roots verify the authority's own certificate; nil for the system's.
	Roots *x509.CertPool
	// Reached is the listener of a door that the authority comes to, which connects to
	// port 443. Listen is one that is opened for the time of an order instead.
	Reached, Listen netip.AddrPort
	Update          Update // for dns-01
	// AccountKey and AccountID bind the account to one that the authority knows
	// already (RFC 8555, section 7.3.4); the key is in base64 for addresses.
	AccountID, AccountKey string
}

// ACMEDir is the folder of accounts and certificates in the state directory. What is in it
// can be read by its owner alone.
const ACMEDir = "acme"

// orderTime bounds one order, retries of the network included.
const orderTime = 10 * time.Minute

// Waits between orders that fail: an authority that bounds failures to five an hour for a
// name lets all of these through.
const (
	firstRetry = 2 * time.Minute
	lastRetry  = 6 * time.Hour
)

// ordered is the certificate that an authority signs.
type ordered struct {
	config ACME
	issuer *certmagic.ACMEIssuer
	pair   Pair // one file
	logger *slog.Logger
	asked  chan struct{} // an order is wanted now
	kept   atomic.Pointer[tls.Certificate]
}

// newOrdered also reads what was ordered before.
func newOrdered(config ACME, state string, logger *slog.Logger) *ordered {
	storage := &certmagic.FileStorage{Path: filepath.Join(state, ACMEDir)}
	settings := certmagic.ACMEIssuer{
		CA: config.Directory, Email: config.Email, Agreed: true, TrustedRoots: config.Roots,
		DisableHTTPChallenge: true, DisableDistributedSolvers: true,
		DisableTLSALPNChallenge: config.Challenge != ChallengeTLSALPN,
		Logger:                  zap.NewNop(), // its errors say all that its lines do
	}
	if config.Challenge == ChallengeDNS {
		settings.DNS01Solver = &solver{update: config.Update}
	}
	if config.AccountID != "" {
		settings.ExternalAccount = &acme.EAB{KeyID: config.AccountID, MACKey: config.AccountKey}
	}
	// The library would open a listener of its own at this address. One of ours is there.
	at := config.Reached
	if config.Listen.IsValid() {
		at = config.Listen
	}
	settings.ListenHost, settings.AltTLSALPNPort = at.Addr().String(), int(at.Port())
	issuer := certmagic.NewACMEIssuer(&certmagic.Config{Storage: storage, Logger: zap.NewNop(), DisableARI: true}, settings)
	file := storage.Filename(filepath.Join(certmagic.StorageKeys.CertsPrefix(issuer.IssuerKey()), "certificate.pem"))
	o := &ordered{config: config, issuer: issuer, pair: Pair{file, file}, logger: logger, asked: make(chan struct{}, 1)}
	if stored, err := o.pair.Read(); err == nil {
		o.kept.Store(stored)
	} else if !errors.Is(err, fs.ErrNotExist) {
		logger.Warn("a certificate that was ordered cannot be read; it is ordered anew", "error", err)
	}
	return o
}

func (o *ordered) kind() string { return "acme" }

func (o *ordered) look(time.Time) ([]*tls.Certificate, error) {
	if kept := o.kept.Load(); kept != nil {
		return []*tls.Certificate{kept}, nil
	}
	return nil, nil
}

// due is when the next certificate has to be ordered: when a third of its life is left, half of a short one.
func (o *ordered) due() time.Time {
	kept := o.kept.Load()
	if kept == nil || !covers(kept.Leaf, o.config.Names, o.config.Addresses) {
		return time.Time{}
	}
	life := kept.Leaf.NotAfter.Sub(kept.Leaf.NotBefore)
	if life < 10*24*time.Hour {
		return kept.Leaf.NotBefore.Add(life / 2)
	}
	return kept.Leaf.NotBefore.Add(life * 2 / 3)
}

// run orders when it is time, until the context ends. After each order it calls taken.
func (o *ordered) run(ctx context.Context, taken func()) {
	retry := firstRetry
	for wait := time.Until(o.due()); ; {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		case <-o.asked:
			timer.Stop()
		}
		if wait = time.Until(o.due()); wait > 0 {
			continue
		}
		err := o.order(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			o.logger.Error("the authority gave no certificate; the one in use stays", "directory", o.config.Directory, "retry_in", retry.String(), "error", err)
			wait, retry = retry, min(2*retry, lastRetry)
		default:
			taken()
			wait, retry = max(time.Until(o.due()), firstRetry), firstRetry
		}
	}
}

// ask makes run try at once.
func (o *ordered) ask() {
	select {
	case o.asked <- struct{}{}:
	default:
	}
}

// order gets one certificate, and keeps it.
func (o *ordered) order(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, orderTime)
	defer cancel()
	if o.config.Challenge == ChallengeTLSALPN && o.config.Listen.IsValid() {
		listener, err := listenForChallenge(o.config.Listen, o.logger)
		if err != nil {
			return err
		}
		defer listener.Close()
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	request, err := o.request(key)
	if err != nil {
		return err
	}
	if err := o.issuer.PreCheck(ctx, o.subjects(), false); err != nil {
		return err
	}
	issued, err := o.issuer.Issue(ctx, request)
	if err != nil {
		return err
	}
	return o.keep(issued.Certificate, key)
}

// subjects are names and addresses as the library takes them.
func (o *ordered) subjects() []string {
	subjects := slices.Clone(o.config.Names)
	for _, addr := range o.config.Addresses {
		subjects = append(subjects, addr.String())
	}
	return subjects
}

// request asks for one certificate that is good for all names and addresses: who finds a door by its
// address and comes to it by its name verifies both (RFC 9462, section 4.2).
func (o *ordered) request(key *ecdsa.PrivateKey) (*x509.CertificateRequest, error) {
	template := &x509.CertificateRequest{DNSNames: o.config.Names}
	for _, addr := range o.config.Addresses {
		template.IPAddresses = append(template.IPAddresses, net.IP(addr.AsSlice()))
	}
	signed, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificateRequest(signed)
}

// keep writes the certificate down before it is presented, so that a restart has it.
func (o *ordered) keep(chain []byte, key *ecdsa.PrivateKey) error {
	packed, err := keyInPEM(key)
	if err != nil {
		return err
	}
	octets := append(append([]byte(nil), chain...), packed...)
	made, err := o.pair.parse(octets, octets)
	if err != nil {
		return err
	}
	if !covers(made.Leaf, o.config.Names, o.config.Addresses) {
		return fmt.Errorf("the certificate is good for %q and %v only", made.Leaf.DNSNames, made.Leaf.IPAddresses)
	}
	if err := os.MkdirAll(filepath.Dir(o.pair.Certificate), 0o700); err != nil {
		return err
	}
	if err := writeWhole(o.pair.Certificate, octets); err != nil {
		return err
	}
	o.kept.Store(made)
	return nil
}
