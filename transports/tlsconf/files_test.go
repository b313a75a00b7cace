package tlsconf_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dns/recourse/transports/tlsconf"
	"github.com/recourse-dns/recourse/transports/tlsconf/tlsconftest"
)

// interval is longer than that at which files are looked at.
const interval = 6 * time.Second

// record is a log that may be read while it is written.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(line)
}

func (r *record) count(text string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Count(r.text.String(), text)
}

// presented is what a client without a name is shown.
func presented(c *tlsconf.Certificates) *x509.Certificate { return c.Status()[0].Leaf }

// follow runs the certificates until the test ends, in the clock of its bubble.
func follow(t *testing.T, pairs ...tlsconf.Pair) (*tlsconf.Certificates, *record) {
	t.Helper()
	log := new(record)
	certificates, err := tlsconf.New(tlsconf.Config{Pairs: pairs}, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); certificates.Run(ctx) }()
	t.Cleanup(func() { end(); <-done })
	return certificates, log
}

func write(t testing.TB, path string, octets []byte) {
	t.Helper()
	if err := os.WriteFile(path, octets, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFilesAreReadAgain(t *testing.T) {
	ca, dir := tlsconftest.New(t), t.TempDir()
	next := ca.Issue(t, tlsconftest.Year(), "second.example")
	pair := ca.Issue(t, tlsconftest.Year(), "first.example").Write(t, dir)
	synctest.Test(t, func(t *testing.T) {
		certificates, log := follow(t, pair)
		write(t, pair.Certificate, next.Certificate)
		for range 3 {
			time.Sleep(interval)
		}
		if got := presented(certificates).DNSNames[0]; got != "first.example" || log.count("does not go with the certificate") != 1 {
			t.Errorf("with half of the new pair %s is presented; %s", got, log.text.String())
		}
		write(t, pair.Key, next.Key)
		time.Sleep(interval)
		if got := presented(certificates).DNSNames[0]; got != "second.example" || log.count("second.example") != 1 {
			t.Errorf("with the whole pair %s is presented; %s", got, log.text.String())
		}
		if err := os.Remove(pair.Key); err != nil {
			t.Fatal(err)
		}
		time.Sleep(interval)
		if got := presented(certificates).DNSNames[0]; got != "second.example" || log.count("no such file") != 1 {
			t.Errorf("without its key %s is presented; %s", got, log.text.String())
		}
	})
}

// TestLinksAreFollowed: certbot puts another link in the place of each file, Kubernetes
// one in the place of the folder that all files are links into.
func TestLinksAreFollowed(t *testing.T) {
	ca, dir := tlsconftest.New(t), t.TempDir()
	ca.Issue(t, tlsconftest.Year(), "first.example").Write(t, filepath.Join(dir, "..2026_11_01"))
	ca.Issue(t, tlsconftest.Year(), "second.example").Write(t, filepath.Join(dir, "..2026_11_02"))
	swap := func(target, link string) {
		t.Helper()
		if err := errors.Join(os.Symlink(target, link+"_tmp"), os.Rename(link+"_tmp", link)); err != nil {
			t.Fatal(err)
		}
	}
	pair := tlsconf.Pair{Certificate: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key")}
	data := filepath.Join(dir, "..data")
	swap("..2026_11_01", data)
	swap(filepath.Join("..data", "cert.pem"), pair.Certificate)
	swap(filepath.Join("..data", "key.pem"), pair.Key)
	synctest.Test(t, func(t *testing.T) {
		certificates, log := follow(t, pair)
		swap("..2026_11_02", data)
		time.Sleep(interval)
		if got := presented(certificates).DNSNames[0]; got != "second.example" {
			t.Errorf("after the folder was replaced %s is presented", got)
		}
		swap(filepath.Join(dir, "..2026_11_01", "cert.pem"), pair.Certificate)
		swap(filepath.Join(dir, "..2026_11_01", "key.pem"), pair.Key)
		time.Sleep(interval)
		if got := presented(certificates).DNSNames[0]; got != "first.example" || log.count("level=ERROR") != 0 {
			t.Errorf("after the links were replaced %s is presented; %s", got, log.text.String())
		}
	})
}

func TestAnEndedPairReplacesNoneThatHolds(t *testing.T) {
	ca, dir := tlsconftest.New(t), t.TempDir()
	old := tlsconftest.Between(time.Now().Add(-900*time.Hour), time.Now().Add(-time.Hour))
	ended, held := ca.Issue(t, old, "ended.example"), ca.Issue(t, tlsconftest.Year(), "held.example")
	pair := held.Write(t, dir)
	certificates := open(t, tlsconf.Config{Pairs: []tlsconf.Pair{pair}})
	ended.Write(t, dir)
	if err := certificates.Reload(); err == nil || presented(certificates).DNSNames[0] != "held.example" {
		t.Errorf("%v; %s is presented", err, presented(certificates).DNSNames[0])
	}
	alone := open(t, tlsconf.Config{Pairs: []tlsconf.Pair{pair}}) // better than none at all
	if got := presented(alone).DNSNames[0]; got != "ended.example" {
		t.Errorf("%s is presented", got)
	}
}

func TestWhatCannotBeUsedNamesItsFile(t *testing.T) {
	ca := tlsconftest.New(t)
	for name, test := range map[string]struct {
		change func(tlsconf.Pair) error
		isKey  bool
		text   string
	}{
		"no certificate": {func(p tlsconf.Pair) error { return os.Remove(p.Certificate) }, false, "no such file"},
		"no key":         {func(p tlsconf.Pair) error { return os.Remove(p.Key) }, true, "no such file"},
		"files confused": {func(p tlsconf.Pair) error { return os.Rename(p.Key, p.Certificate) }, true, "no such file"},
		"no PEM":         {func(p tlsconf.Pair) error { return os.WriteFile(p.Certificate, []byte("x"), 0o600) }, false, "holds no certificate"},
		"another pair's key": {func(p tlsconf.Pair) error {
			return os.WriteFile(p.Key, ca.Issue(t, tlsconftest.Year(), "b.example").Key, 0o600)
		}, true, "does not go with the certificate"},
		"a broken key": {func(p tlsconf.Pair) error { return os.WriteFile(p.Key, []byte("-----BEGIN PRIVATE KEY-----\n"), 0o600) }, true, "does not go with the certificate"},
		"a folder":     {func(p tlsconf.Pair) error { return errors.Join(os.Remove(p.Key), os.Mkdir(p.Key, 0o700)) }, true, "is not a file"},
		"a large file": {func(p tlsconf.Pair) error { return os.WriteFile(p.Key, make([]byte, 1<<20+1), 0o600) }, true, "is larger than"},
		"a broken certificate": {func(p tlsconf.Pair) error {
			return os.WriteFile(p.Certificate, []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), 0o600)
		}, false, "x509"},
		"a locked key": {func(p tlsconf.Pair) error {
			return os.WriteFile(p.Key, []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"), 0o600)
		}, true, "passphrase"},
	} {
		pair := ca.Issue(t, tlsconftest.Year(), "a.example").Write(t, t.TempDir())
		if err := test.change(pair); err != nil {
			t.Fatal(err)
		}
		_, err := tlsconf.New(tlsconf.Config{Pairs: []tlsconf.Pair{pair}}, quiet())
		var problem *tlsconf.FileError
		if !errors.As(err, &problem) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if want := map[bool]string{false: pair.Certificate, true: pair.Key}[test.isKey]; problem.File != want {
			t.Errorf("%s: blames %s", name, problem.File)
		}
	}
}

// TestAlarms: each stage before the end is said once.
func TestAlarms(t *testing.T) {
	ca, dir := tlsconftest.New(t), t.TempDir()
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // when bubbles begin
	long := ca.Issue(t, tlsconftest.Between(start.Add(-70*24*time.Hour), start.Add(20*24*time.Hour)), "quarter.example").Write(t, filepath.Join(dir, "long"))
	short := ca.Issue(t, tlsconftest.Between(start, start.Add(6*24*time.Hour)), "week.example").Write(t, filepath.Join(dir, "short"))
	synctest.Test(t, func(t *testing.T) {
		log := new(record)
		certificates, err := tlsconf.New(tlsconf.Config{Pairs: []tlsconf.Pair{long, short}}, slog.New(slog.NewTextHandler(log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			day                 float64
			soon, urgent, ended int
		}{{4.9, 0, 0, 0}, {5.1, 1, 0, 0}, {5.9, 1, 1, 0}, {6.1, 2, 1, 1}, {16.9, 2, 1, 1}, {17.1, 2, 2, 1}, {19.9, 2, 2, 1}, {20.1, 2, 2, 2}} {
			time.Sleep(time.Until(start.Add(time.Duration(step.day * 24 * float64(time.Hour)))))
			if err := certificates.Reload(); err != nil {
				t.Fatal(err)
			}
			got := [3]int{log.count("ends soon"), log.count("ends within days"), log.count("has ended")}
			if want := [3]int{step.soon, step.urgent, step.ended}; got != want {
				t.Errorf("on day %v: soon, urgent, ended %v, not %v", step.day, got, want)
			}
		}
	})
}

// TestSelfSignedIsRenewed a month before its end, with the same key.
func TestSelfSignedIsRenewed(t *testing.T) {
	state := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		log := new(record)
		certificates, err := tlsconf.New(tlsconf.Config{State: state, Names: []string{"localhost"}}, slog.New(slog.NewTextHandler(log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		first := presented(certificates)
		time.Sleep(334 * 24 * time.Hour)
		if err := certificates.Reload(); err != nil || !presented(certificates).Equal(first) {
			t.Errorf("renewed early: %v", err)
		}
		time.Sleep(2 * 24 * time.Hour)
		if err := certificates.Reload(); err != nil {
			t.Fatal(err)
		}
		second := presented(certificates)
		if second.Equal(first) || tlsconf.Pin(second) != tlsconf.Pin(first) || time.Until(second.NotAfter) < 364*24*time.Hour {
			t.Errorf("until %s, pin %s then %s", second.NotAfter, tlsconf.Pin(first), tlsconf.Pin(second))
		}
		if log.count(tlsconf.Pin(first)) != 2 || log.count("level=ERROR") != 0 {
			t.Errorf("log: %s", log.text.String())
		}
	})
}

// TestTicketsAreForgotten: what a key sealed is opened for 16 hours at least, and for a
// day at most, also by configurations that were cloned before.
func TestTicketsAreForgotten(t *testing.T) {
	hold := tlsconftest.Between(time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
	pair := tlsconftest.New(t).Issue(t, hold, "dns.example.net").Write(t, t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		certificates, _ := follow(t, pair)
		server := certificates.Server("dot").Clone()
		early, late := returning(), returning()
		for _, client := range []*tls.Config{early, late} {
			if shakeInPipe(t, server, client) {
				t.Error("a new client came back")
			}
		}
		time.Sleep(15 * time.Hour)
		if !shakeInPipe(t, server, early) {
			t.Error("after 15 hours a client had to begin anew")
		}
		time.Sleep(9*time.Hour + interval)
		if shakeInPipe(t, server, late) {
			t.Error("after 24 hours a session was known")
		}
	})
}

func returning() *tls.Config {
	return &tls.Config{ServerName: "dns.example.net", InsecureSkipVerify: true, ClientSessionCache: tls.NewLRUClientSessionCache(1)}
}

// shakeInPipe says whether the client resumed a session.
func shakeInPipe(t *testing.T, server, client *tls.Config) bool {
	t.Helper()
	near, far := net.Pipe()
	defer near.Close()
	go func() {
		defer far.Close()
		secure := tls.Server(far, server)
		if secure.Handshake() == nil {
			secure.Write([]byte{1})
		}
	}()
	secure := tls.Client(near, client)
	if _, err := secure.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return secure.ConnectionState().DidResume
}
