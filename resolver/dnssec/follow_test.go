package dnssec_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/dnssec"
)

const day = 24 * time.Hour

// follower plays the life of the root's keys, in a bubble whose clock runs free.
type follower struct {
	*testing.T
	world *world
	root  *zone
	path  string
	v     *dnssec.Validator
	log   *bytes.Buffer
	asked atomic.Int32
	down  atomic.Bool
	stop  func()

	mu sync.Mutex // the world changes while Run looks at it
}

// follow starts with one key as the configured anchor. Signatures are made when
// they are asked for and hold for ten days.
func follow(t *testing.T, run func(f *follower)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &follower{T: t, world: newWorld(t, signed(t, ".", "www 60 IN A 192.0.2.1")), path: filepath.Join(t.TempDir(), "anchors.state")}
		f.root = f.world.zone(".")
		f.start(f.root.keys[0].record.ToDS(dns.SHA256))
		run(f)
		f.stop()
	})
}

func (f *follower) start(anchors ...dns.RR) {
	f.Helper()
	f.log = new(bytes.Buffer)
	v, err := dnssec.New(dnssec.Config{Anchors: anchors, State: f.path}, slog.New(slog.NewTextHandler(f.log, nil)))
	if err != nil {
		f.Fatal(err)
	}
	ctx, cancel := context.WithCancel(f.Context())
	done := make(chan struct{})
	next := resolver.HandlerFunc(func(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
		f.asked.Add(1)
		if !query.Fresh {
			f.Error("keys were asked of a cache")
		}
		if f.down.Load() {
			return nil, errors.New("no server")
		}
		return f.resolve(ctx, query)
	})
	go func() { defer close(done); v.Run(ctx, next) }()
	f.v, f.stop = v, func() { cancel(); <-done }
	synctest.Wait()
}

func (f *follower) resolve(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.root.inception, f.root.expires = time.Now().Add(-time.Hour), time.Now().Add(10*day)
	return f.world.Resolve(ctx, query)
}

// publish makes the root's key set: the first key signs everything, each other
// signs the set beside it.
func (f *follower) publish(keys ...signingKey) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.root.keys = keys
	f.world.edit(". DNSKEY", func(m *dns.Msg) {
		set := f.root.keyset()
		m.Answer = set
		for _, key := range keys {
			m.Answer = append(m.Answer, f.root.signature(key, set))
		}
	})
}

func (f *follower) pass(long time.Duration) {
	time.Sleep(long)
	synctest.Wait()
}

// states says how each key stands, "-" where it is not known.
func (f *follower) states(keys ...signingKey) string {
	var all []string
	for _, key := range keys {
		plain := dns.Copy(key.record).(*dns.DNSKEY)
		plain.Flags &^= dns.REVOKE
		state := "-"
		for _, anchor := range f.v.Anchors() {
			if anchor.KeyTag == plain.KeyTag() {
				state = anchor.State
			}
		}
		all = append(all, state)
	}
	return strings.Join(all, " ")
}

func (f *follower) want(what, states string, keys ...signingKey) {
	f.Helper()
	if got := f.states(keys...); got != states {
		f.Errorf("%s: %s, want %s\n%s", what, got, states, f.log)
	}
}

// secure says whether an answer that the root's first key signed is proved.
func (f *follower) secure() bool {
	query := question("www.", dns.TypeA)
	query.Now = time.Now()
	answer, err := f.v.Stage(resolver.HandlerFunc(f.resolve)).Resolve(f.Context(), query)
	return err == nil && answer.Security == resolver.Secure
}

func revokedKey(key signingKey) signingKey {
	record := dns.Copy(key.record).(*dns.DNSKEY)
	record.Flags |= dns.REVOKE
	return signingKey{record: record, private: key.private}
}

// TestKeyRollover is the whole of RFC 5011, section 6.1: a new key is added, waits,
// takes over, and the old one is revoked.
func TestKeyRollover(t *testing.T) {
	follow(t, func(f *follower) {
		old, next := f.root.keys[0], newKey(f, ".", dns.ED25519)
		f.want("at the start", "valid -", old, next)

		f.publish(old, next)
		f.pass(day)
		f.want("after a day", "valid addpend", old, next)
		f.pass(28 * day)
		f.want("before the hold-down is over", "valid addpend", old, next)
		f.publish(next, old)
		f.pass(3 * day)
		f.want("after it", "valid valid", old, next)

		f.publish(next, revokedKey(old))
		f.pass(day)
		f.want("after the revocation", "revoked valid", old, next)
		if !f.secure() {
			t.Error("the new key alone proves nothing")
		}
		f.publish(old)
		f.pass(2 * time.Hour)
		if f.secure() {
			t.Error("a revoked key is trusted")
		}
		f.publish(next)
		f.pass(31 * day)
		f.want("after a month", "removed valid", old, next)
	})
}

// TestRestart: states outlive the process; the configuration is what they began with.
func TestRestart(t *testing.T) {
	follow(t, func(f *follower) {
		old, next := f.root.keys[0], newKey(f, ".", dns.ED25519)
		f.publish(old, next)
		f.pass(32 * day)
		f.publish(next, revokedKey(old))
		f.pass(day)
		f.stop()
		f.start(old.record)
		f.want("after a restart", "revoked valid", old, next)
		if !f.secure() {
			t.Error("the followed key is not trusted")
		}
		f.publish(old)
		if f.v.Flush("\x00", true); f.secure() {
			t.Error("the configuration brought a revoked key back")
		}
	})
}

// TestPendingWithdrawn: a key that vanishes while it waits begins anew.
func TestPendingWithdrawn(t *testing.T) {
	follow(t, func(f *follower) {
		old, next := f.root.keys[0], newKey(f, ".", dns.ED25519)
		f.publish(old, next)
		f.pass(20 * day)
		f.publish(old)
		f.pass(day)
		f.want("withdrawn", "valid -", old, next)
		f.publish(old, next)
		f.pass(20 * day)
		f.want("published again", "valid addpend", old, next)
	})
}

// TestMissing: a key that is not published stays trusted until it is revoked.
func TestMissing(t *testing.T) {
	follow(t, func(f *follower) {
		old, next := f.root.keys[0], newKey(f, ".", dns.ED25519)
		f.publish(old, next)
		f.pass(32 * day)
		f.publish(next)
		f.pass(day)
		f.want("not published", "missing valid", old, next)
		f.publish(old)
		f.pass(day)
		f.want("back", "valid missing", old, next)
		f.publish(revokedKey(next), old)
		f.pass(day)
		f.want("revoked while missing", "valid revoked", old, next)
	})
}

// TestForeignKeys: only what an anchor proves adds a key, and only a key itself
// revokes it.
func TestForeignKeys(t *testing.T) {
	follow(t, func(f *follower) {
		old, foreign := f.root.keys[0], newKey(f, ".", dns.ED25519)
		f.publish(foreign)
		f.pass(32 * day)
		f.want("a set of foreign keys", "valid -", old, foreign)

		zoneKey := newKey(f, ".", dns.ED25519)
		zoneKey.record.Flags = dns.ZONE
		f.publish(old, zoneKey)
		f.pass(32 * day)
		f.want("a key without SEP", "valid -", old, zoneKey)

		f.mu.Lock()
		f.root.keys = []signingKey{old, revokedKey(old)}
		f.world.edit(". DNSKEY", func(m *dns.Msg) { // signed by the one, not by itself
			m.Answer = append(f.root.keyset(), f.root.signature(old, f.root.keyset()))
		})
		f.mu.Unlock()
		f.pass(day)
		f.want("revoked by nobody", "valid", old)

		f.publish(revokedKey(foreign), old)
		f.pass(day)
		f.want("a foreign key revokes itself", "valid -", old, foreign)
	})
}

// TestLastKeyRevoked: a zone without any anchor left is insecure (RFC 5011, section 5).
func TestLastKeyRevoked(t *testing.T) {
	follow(t, func(f *follower) {
		old := f.root.keys[0]
		if !f.secure() {
			t.Fatal("not secure to begin with")
		}
		f.publish(revokedKey(old))
		f.pass(2 * day)
		f.want("revoked", "revoked", old)
		query := question("www.", dns.TypeA)
		query.Now = time.Now()
		answer, err := f.v.Stage(resolver.HandlerFunc(f.resolve)).Resolve(f.Context(), query)
		compare(t, "www", answer, err, isInsecure)
		if !strings.Contains(f.log.String(), "level=ERROR") {
			t.Errorf("nobody is told: %s", f.log)
		}
	})
}

// TestRevocationAtOnce: what was proved by a revoked key is forgotten with it, however
// long it could have been kept.
func TestRevocationAtOnce(t *testing.T) {
	follow(t, func(f *follower) {
		old, next := f.root.keys[0], newKey(f, ".", dns.ED25519)
		old.record.Hdr.Ttl, next.record.Hdr.Ttl = uint32((7 * day).Seconds()), uint32((7 * day).Seconds())
		f.publish(old, next)
		f.pass(40 * day)
		f.want("both", "valid valid", old, next)
		for f.states(old) == "valid" {
			f.publish(old, next)
			if !f.secure() {
				t.Fatal("not secure")
			}
			f.publish(next, revokedKey(old))
			f.pass(6 * time.Hour)
		}
		f.publish(old)
		if f.secure() {
			t.Error("the revoked key is still remembered")
		}
	})
}

// TestIntervals: half of the TTL, an hour at least; a tenth after a failure.
func TestIntervals(t *testing.T) {
	follow(t, func(f *follower) {
		key := f.root.keys[0]
		f.mu.Lock()
		key.record.Hdr.Ttl = uint32((48 * time.Hour).Seconds())
		f.mu.Unlock()
		f.pass(time.Hour) // the first look saw a TTL of an hour
		f.asked.Store(0)
		f.pass(23 * time.Hour)
		if asked := f.asked.Load(); asked != 0 {
			t.Errorf("%d looks within half of the TTL", asked)
		}
		f.pass(2 * time.Hour)
		if asked := f.asked.Load(); asked != 1 {
			t.Errorf("%d looks after half of the TTL, want 1", asked)
		}
		f.down.Store(true)
		f.pass(24 * time.Hour)
		if asked := f.asked.Load(); asked != 2 {
			t.Errorf("%d looks, want one that fails", asked)
		}
		f.pass(5 * time.Hour)
		if asked := f.asked.Load(); asked != 3 {
			t.Errorf("%d looks, want one more after a tenth of the TTL", asked)
		}
	})
}

// TestDamagedState: whatever is in the file, the configured anchors hold, it is
// said, and the next look writes the file anew.
func TestDamagedState(t *testing.T) {
	key := newKey(t, ".", dns.ED25519).record
	sound := `{"zones":[{"zone":".","keys":[{"key":"257 3 15 ` + key.PublicKey + `","state":"valid","since":"2026-01-01T00:00:00Z"}]}]}`
	for name, text := range map[string]string{
		"empty": "", "cut off": sound[:60], "no key": strings.Replace(sound, "257 3 15", "257 3", 1), "no state": strings.Replace(sound, `"valid"`, `"trusted"`, 1),
		"no zone key": strings.Replace(sound, "257", "1", 1), "no name": strings.Replace(sound, `"."`, `"a..b"`, 1), "zeros": string(make([]byte, 64)),
		"key twice": strings.Replace(sound, `[{"key"`, `[{"key":"257 3 15 `+key.PublicKey+`","state":"revoked"},{"key"`, 1), "too large": sound + strings.Repeat(" ", 2<<20),
	} {
		t.Run(name, func(t *testing.T) {
			follow(t, func(f *follower) {
				f.stop()
				if err := os.WriteFile(f.path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				f.start(f.root.keys[0].record)
				if !strings.Contains(f.log.String(), "damaged") || !f.secure() {
					t.Errorf("secure %v, log %s", f.secure(), f.log)
				}
				data, err := os.ReadFile(f.path)
				if err != nil || !bytes.Contains(data, []byte(f.root.keys[0].record.PublicKey)) {
					t.Errorf("not written anew: %v, %s", err, data)
				}
			})
		})
	}
	follow(t, func(f *follower) { // the text that the others are made of is sound
		f.stop()
		if err := os.WriteFile(f.path, []byte(sound), 0o600); err != nil {
			t.Fatal(err)
		}
		f.start(key)
		if strings.Contains(f.log.String(), "damaged") || f.v.Anchors()[0].State != "valid" {
			t.Errorf("a sound file was refused: %s", f.log)
		}
	})
}

// TestNothingFollowed: without a state file nothing is asked, and Run returns.
func TestNothingFollowed(t *testing.T) {
	w := example(t)
	w.validator(dnssec.Config{}).Run(t.Context(), w)
	if len(w.questions()) != 0 {
		t.Errorf("asked %v", w.questions())
	}
	anchors := w.validator(dnssec.Config{Negative: []dnssec.NegativeAnchor{{Zone: "\x04test\x00", Until: noon}}})
	if list := anchors.Anchors(); len(list) != 1 || list[0].State != "configured" || !list[0].Trusted {
		t.Errorf("anchors %+v", list)
	}
	if list := anchors.Negative(noon); len(list) != 1 || list[0].InForce || list[0].Zone != "test" || !anchors.Negative(noon.Add(-1))[0].InForce {
		t.Errorf("negative anchors %+v", list)
	}
}

// TestUnpublishedAnchor: of two configured keys, one that the zone has not yet is
// trusted as soon as it comes (RFC 7958).
func TestUnpublishedAnchor(t *testing.T) {
	follow(t, func(f *follower) {
		f.stop()
		old, next := f.root.keys[0], newKey(f, ".", dns.ED25519)
		f.start(old.record.ToDS(dns.SHA256), next.record.ToDS(dns.SHA256))
		f.want("before", "valid configured", old, next)
		f.publish(next)
		f.pass(2 * time.Hour)
		f.want("after", "missing valid", old, next)
		if !f.secure() {
			t.Error("the configured key does not count")
		}
		states := []string{}
		for _, anchor := range f.v.Anchors() {
			states = append(states, anchor.State)
		}
		if slices.Sort(states); !slices.Equal(states, []string{"missing", "valid"}) {
			t.Errorf("anchors listed as %v", states)
		}
	})
}
