package fleet_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/policy/pass"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/fleet"
	"github.com/recourse-dns/recourse/redress/passing"
)

// passDesk is a desk that carries passes, and does nothing else.
type passDesk struct {
	passes *fleet.Passes
	key    ed25519.PublicKey
	server *httptest.Server
	mu     sync.Mutex
	looks  []passing.Look
	beside *fleet.Teller
}

func newPassDesk(t *testing.T, private ed25519.PrivateKey) *passDesk {
	t.Helper()
	d := &passDesk{passes: fleet.NewPasses(), key: private.Public().(ed25519.PublicKey)}
	actor := func(r *http.Request) (redress.Actor, bool) {
		role := redress.ActorRole(strings.TrimSuffix(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), "-token"))
		return redress.Actor{Role: role}, role != ""
	}
	note := func(look *passing.Look) error {
		if look.Label == "" {
			return passing.ErrLook
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.looks = append(d.looks, *look)
		return nil
	}
	tell := func(ctx context.Context, look passing.Look) error { return d.beside.Tell(ctx, look) }
	d.beside = fleet.TellDesks(nil, nil)
	made := fleet.NewDesk(t.Context(), fleet.DeskConfig{Key: private, Actor: actor, Passes: d.passes, Note: note, Tell: tell}, nil, slog.New(slog.DiscardHandler))
	d.server = httptest.NewServer(made.Handler())
	t.Cleanup(d.server.Close)
	return d
}

func (d *passDesk) told() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.looks)
}

func (d *passDesk) config() fleet.FollowConfig {
	return fleet.FollowConfig{Node: "node-1", Desk: d.server.URL, Keys: []ed25519.PublicKey{d.key}, Token: "node-token"}
}

func signingKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func passOf(number byte, length time.Duration) pass.Pass {
	now := time.Now()
	return pass.Pass{Hour: pass.HourOf(now), Mark: pass.Mark{number}, Until: now.Add(length)}
}

// taken are the passes that a follower puts in force.
type taken map[byte]time.Time

func (t taken) take(one pass.Pass) bool { t[one.Mark[0]] = one.Until; return true }

func (t taken) follow(config fleet.FollowConfig, own *fleet.Passes) *fleet.PassFollower {
	return fleet.FollowPasses(config, t.take, own, http.DefaultClient, slog.New(slog.DiscardHandler))
}

func hear(t *testing.T, follower *fleet.PassFollower, wait time.Duration) {
	t.Helper()
	if _, err := follower.Once(t.Context(), wait); err != nil {
		t.Fatal(err)
	}
}

func TestPassesAreHeardOnce(t *testing.T) {
	d, has := newPassDesk(t, signingKey(t)), taken{}
	d.passes.Add(passOf(1, time.Hour-time.Second))
	d.passes.Add(passOf(2, -time.Second))
	follower := has.follow(d.config(), nil)
	hear(t, follower, 0)
	if len(has) != 1 || has[1].IsZero() {
		t.Fatalf("heard %v", has)
	}
	d.passes.Add(passOf(3, time.Minute))
	delete(has, 1)
	hear(t, follower, 0)
	if len(has) != 1 || has[3].IsZero() {
		t.Errorf("then heard %v", has)
	}
	fresh := taken{}
	hear(t, fresh.follow(d.config(), nil), 0)
	if len(fresh) != 2 {
		t.Errorf("a node that starts later hears %v", fresh)
	}
	waiting := make(chan error)
	go func() { _, err := follower.Once(t.Context(), time.Minute); waiting <- err }()
	d.passes.Add(passOf(4, time.Minute))
	if err := <-waiting; err != nil || has[4].IsZero() {
		t.Errorf("who waits hears %v, %v", has, err)
	}
}

// Two desks behind one address, and a node that gets to either: all hear all, and none is told for ever.
func TestDesksHearOfOneAnother(t *testing.T) {
	key := signingKey(t)
	one, two := newPassDesk(t, key), newPassDesk(t, key)
	carry := func(from, to *passDesk) *fleet.PassFollower {
		return fleet.FollowPasses(from.config(), func(given pass.Pass) bool { to.passes.Add(given); return true }, to.passes, http.DefaultClient, slog.New(slog.DiscardHandler))
	}
	oneToTwo, twoToOne := carry(one, two), carry(two, one)
	one.passes.Add(passOf(1, time.Minute))
	two.passes.Add(passOf(2, time.Minute))
	for range 3 {
		hear(t, oneToTwo, 0)
		hear(t, twoToOne, 0)
	}
	for _, d := range []*passDesk{one, two} {
		has := taken{}
		follower := has.follow(d.config(), nil)
		hear(t, follower, 0)
		if len(has) != 2 {
			t.Errorf("a node hears %v", has)
		}
		clear(has)
		if hear(t, follower, 0); len(has) != 0 {
			t.Errorf("what it has it hears again: %v", has)
		}
	}
	if itself, err := carry(one, one).Once(t.Context(), 0); err != nil || !itself {
		t.Errorf("a desk does not know itself: %v, %v", itself, err)
	}

	turns := 0
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		turns++
		[]*passDesk{one, two}[turns%2].server.Config.Handler.ServeHTTP(w, r)
	}))
	defer front.Close()
	config, has := one.config(), taken{}
	config.Desk = front.URL
	follower := has.follow(config, nil)
	hear(t, follower, 0)
	hear(t, follower, 0)
	clear(has)
	for range 4 {
		hear(t, follower, 0)
	}
	if len(has) != 0 {
		t.Errorf("a node that is led to either desk hears again of %v", has)
	}
}

// A clock that is a little before ours, or passes that last too long, do no harm.
func TestClocksOfPasses(t *testing.T) {
	d, has := newPassDesk(t, signingKey(t)), taken{}
	long := passOf(1, time.Hour+30*time.Second)
	d.passes.Add(long)
	hear(t, has.follow(d.config(), nil), 0)
	if until := has[1]; until.IsZero() || !until.Before(long.Until) {
		t.Errorf("one that lasts until %s is taken until %s", long.Until, until)
	}
}

func TestPassesThatAreNotTheDesks(t *testing.T) {
	d, has := newPassDesk(t, signingKey(t)), taken{}
	d.passes.Add(passOf(1, time.Minute))
	var kept []byte
	var signature string
	changed := func(body []byte) []byte { return body }
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if kept == nil {
			recorded := httptest.NewRecorder()
			d.server.Config.Handler.ServeHTTP(recorded, r)
			kept, signature = recorded.Body.Bytes(), recorded.Header().Get("Recourse-Signature")
		}
		w.Header().Set("Recourse-Signature", signature)
		_, _ = w.Write(changed(kept))
	}))
	defer front.Close()
	config := d.config()
	config.Desk = front.URL
	follower := has.follow(config, nil)
	hear(t, follower, 0)
	clear(has)
	if _, err := follower.Once(t.Context(), 0); err == nil || !strings.Contains(err.Error(), "another question") {
		t.Errorf("played again: %v", err)
	}
	kept, changed = nil, func(body []byte) []byte { return bytes.Replace(body, []byte(`"to":1`), []byte(`"to":2`), 1) }
	if _, err := has.follow(config, nil).Once(t.Context(), 0); !errors.Is(err, fleet.ErrSignature) {
		t.Errorf("changed on the way: %v", err)
	}
	strange := d.config()
	strange.Keys = []ed25519.PublicKey{signingKey(t).Public().(ed25519.PublicKey)}
	if _, err := has.follow(strange, nil).Once(t.Context(), 0); !errors.Is(err, fleet.ErrSignature) {
		t.Errorf("another desk's: %v", err)
	}
	if len(has) != 0 {
		t.Errorf("in force are %v", has)
	}
}

func TestWhoMayHearOfPasses(t *testing.T) {
	d := newPassDesk(t, signingKey(t))
	nonce := strings.Repeat("n", 20)
	for _, test := range []struct {
		method, path, token, body string
		want                      int
	}{
		{"GET", fleet.PassesPath + "?node=n&wait=0&nonce=" + nonce, "", "", 401},
		{"GET", fleet.PassesPath + "?node=n&wait=0&nonce=" + nonce, "reviewer-token", "", 403},
		{"GET", fleet.PassesPath + "?node=n&wait=0&nonce=short", "node-token", "", 400},
		{"GET", fleet.PassesPath + "?node=n&wait=x&nonce=" + nonce, "node-token", "", 400},
		{"GET", fleet.PassesPath + "?node=n&wait=0&at=x&nonce=" + nonce, "node-token", "", 400},
		{"GET", fleet.PassesPath + "?node=n&wait=0&nonce=" + nonce + strings.Repeat("&at=e:1", 17), "node-token", "", 400},
		{"GET", fleet.PassesPath + "?node=n&wait=0&at=e:1&nonce=" + nonce, "node-token", "", 200},
		{"POST", fleet.LooksPath, "", "{}", 401},
		{"POST", fleet.LooksPath, "reviewer-token", `{"label":"a"}`, 403},
		{"POST", fleet.LooksPath, "node-token", `{`, 400},
		{"POST", fleet.LooksPath, "node-token", `{"label":"` + strings.Repeat("a", 2000) + `"}`, 400},
		{"POST", fleet.LooksPath, "node-token", `{}`, 422},
		{"POST", fleet.LooksPath, "node-token", `{"label":"a"}`, 204},
	} {
		request, err := http.NewRequestWithContext(t.Context(), test.method, d.server.URL+test.path, strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		if test.token != "" {
			request.Header.Set("Authorization", "Bearer "+test.token)
		}
		reply, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		reply.Body.Close()
		if reply.StatusCode != test.want {
			t.Errorf("%s %.60s as %q with %.20q: %d, not %d", test.method, test.path, test.token, test.body, reply.StatusCode, test.want)
		}
	}
	if d.told() != 1 {
		t.Errorf("%d looks are taken in", d.told())
	}
}

// A look that a node tells its desk is told to the other desks once, whether they are there or not.
func TestLooksAreCarriedOn(t *testing.T) {
	key := signingKey(t)
	one, two, gone := newPassDesk(t, key), newPassDesk(t, key), newPassDesk(t, key)
	one.beside = fleet.TellDesks([]fleet.FollowConfig{two.config(), gone.config()}, http.DefaultClient)
	two.beside = fleet.TellDesks([]fleet.FollowConfig{one.config(), gone.config()}, http.DefaultClient)
	gone.server.Close()
	node := fleet.TellDesk(one.config(), http.DefaultClient)
	if err := node.Tell(t.Context(), passing.Look{Label: "a"}); err != nil {
		t.Fatal(err)
	}
	if one.told() != 1 || two.told() != 1 {
		t.Errorf("the desks are told %d and %d times", one.told(), two.told())
	}
	if err := fleet.TellDesk(gone.config(), http.DefaultClient).Tell(t.Context(), passing.Look{Label: "a"}); err == nil {
		t.Error("a node thinks that a desk which is away was told")
	}
}
