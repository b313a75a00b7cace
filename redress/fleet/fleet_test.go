package fleet_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/fleet"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// desk is a desk with a real database behind a real web server.
type desk struct {
	db     *store.DB
	key    ed25519.PublicKey
	server *httptest.Server
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "recourse.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	actor := func(r *http.Request) (redress.Actor, bool) {
		switch r.Header.Get("Authorization") {
		case "Bearer node-token":
			return redress.Actor{Name: "nodes", Role: redress.Node}, true
		case "Bearer reviewer-token":
			return redress.Actor{Name: "somebody", Role: redress.Reviewer}, true
		}
		return redress.Actor{}, false
	}
	made := fleet.NewDesk(t.Context(), fleet.DeskConfig{Key: private, Deployment: "abcd", Actor: actor}, db, slog.New(slog.DiscardHandler))
	d := &desk{db: db, key: public, server: httptest.NewServer(made.Handler())}
	t.Cleanup(d.server.Close)
	return d
}

func (d *desk) tx(t *testing.T, do func(*store.Tx) error) {
	t.Helper()
	if err := d.db.Tx(t.Context(), do); err != nil {
		t.Fatal(err)
	}
}

func (d *desk) except(t *testing.T, list, text, id string) int64 {
	t.Helper()
	var added int64
	d.tx(t, func(tx *store.Tx) (err error) {
		added, err = tx.AddException(t.Context(), blocklists.Exception{List: blocklists.ListID(list), Name: wire.MustName(text), Case: id, At: time.Now()})
		return err
	})
	return added
}

// effect counts how often something was put in force.
type effect struct {
	generation atomic.Uint64
	fails      error
}

func (e *effect) Apply(context.Context) (uint64, time.Time, error) {
	return e.generation.Add(1), time.Now(), e.fails
}

type node struct {
	*fleet.Follower
	mirror *fleet.Mirror
	effect *effect
	path   string
}

func (d *desk) node(t *testing.T, path string, change func(*fleet.FollowConfig)) *node {
	t.Helper()
	n := &node{effect: &effect{}, path: path}
	var err error
	if n.mirror, err = fleet.OpenMirror(path); err != nil {
		t.Fatal(err)
	}
	config := fleet.FollowConfig{Node: "node-1", Version: "test", Desk: d.server.URL, Keys: []ed25519.PublicKey{d.key}, Token: "node-token", Deployment: "abcd"}
	if change != nil {
		change(&config)
	}
	write := func(path string, octets []byte) error { return os.WriteFile(path, octets, 0o600) }
	n.Follower = fleet.NewFollower(config, n.mirror, n.effect, http.DefaultClient, write, slog.New(slog.DiscardHandler))
	return n
}

func (n *node) once(t *testing.T) {
	t.Helper()
	if err := n.Once(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
}

// names are the exceptions of the mirror, as text.
func (n *node) names(t *testing.T) string {
	t.Helper()
	_, found, err := n.mirror.Exceptions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, one := range found {
		names = append(names, string(one.List)+":"+one.Name.String())
	}
	return strings.Join(names, " ")
}

func mirrorPath(t *testing.T) string { return filepath.Join(t.TempDir(), "desk.json") }

func TestExceptionsComeAndGo(t *testing.T) {
	d := newDesk(t)
	d.except(t, "scam", "a.example", "C-1")
	n := d.node(t, mirrorPath(t), nil)
	n.once(t)
	if got := n.names(t); got != "scam:a.example" {
		t.Fatalf("after the first: %q", got)
	}
	second := d.except(t, "scam", "b.example", "C-2")
	n.once(t)
	if got := n.names(t); got != "scam:a.example scam:b.example" {
		t.Fatalf("after the second: %q", got)
	}
	d.tx(t, func(tx *store.Tx) error { return tx.EndException(t.Context(), second, time.Now()) })
	n.once(t)
	if got := n.names(t); got != "scam:a.example" {
		t.Fatalf("after one ended: %q", got)
	}
	if applied := n.effect.generation.Load(); applied != 3 {
		t.Errorf("put in force %d times, not once a change", applied)
	}
	n.once(t)
	if applied := n.effect.generation.Load(); applied != 3 {
		t.Error("nothing changed, and it was put in force again")
	}
}

func TestNodeStartsWithoutItsDesk(t *testing.T) {
	d := newDesk(t)
	d.except(t, "scam", "a.example", "C-1")
	path := mirrorPath(t)
	d.node(t, path, nil).once(t)
	d.server.Close()
	n := d.node(t, path, nil)
	if got := n.names(t); got != "scam:a.example" {
		t.Errorf("from the disk: %q", got)
	}
	if err := n.Once(t.Context(), 0); err == nil {
		t.Error("the desk is away, and nothing is said")
	}
	if got := n.names(t); got != "scam:a.example" {
		t.Errorf("after the desk was not reached: %q", got)
	}
}

func TestWaitingNodeIsToldAtOnce(t *testing.T) {
	d := newDesk(t)
	n := d.node(t, mirrorPath(t), nil)
	n.once(t)
	asked, told := make(chan struct{}), make(chan error, 1)
	proxied := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target, _ := url.Parse(d.server.URL)
		if strings.HasPrefix(r.URL.Path, fleet.ChangesPath) {
			close(asked)
		}
		httputil.NewSingleHostReverseProxy(target).ServeHTTP(w, r)
	}))
	defer proxied.Close()
	waiting := d.node(t, n.path, func(config *fleet.FollowConfig) { config.Desk = proxied.URL })
	go func() { told <- waiting.Once(t.Context(), fleet.MaxWait) }()
	<-asked
	d.except(t, "scam", "late.example", "C-3")
	if err := <-told; err != nil {
		t.Fatal(err)
	}
	if got := waiting.names(t); got != "scam:late.example" {
		t.Errorf("told: %q", got)
	}
}

func TestOrdersAndProfilesFollow(t *testing.T) {
	d := newDesk(t)
	var id int64
	record := &store.OrderRecord{Lawful: true, Submitter: "court", At: time.Now(), OrderContent: store.OrderContent{Order: blocklists.Order{
		Ref: "1/2026", List: "court", Authority: blocklists.Authority{Name: "Court"}, Jurisdiction: []string{"IT"}, Received: time.Now(), Effective: time.Now(),
	}}}
	d.tx(t, func(tx *store.Tx) (err error) {
		if err = tx.AddOrder(t.Context(), record); err != nil {
			return err
		}
		id = record.ID
		names := []store.OrderName{
			{Name: wire.MustName("x.example"), Scope: blocklists.Subtree, Standing: store.NameActive, AddedAt: time.Now(), AddedBy: "court"},
			{Name: wire.MustName("y.example"), Standing: store.NameHeld, Safeguard: "protected", AddedAt: time.Now(), AddedBy: "court"},
		}
		if _, err := tx.AddOrderNames(t.Context(), id, names); err != nil {
			return err
		}
		return tx.NoteOrderChange(t.Context(), &store.OrderChange{Order: id, What: "blocked", Actor: "court", Names: 2, Received: time.Now()})
	})
	d.tx(t, func(tx *store.Tx) error {
		return tx.PutProfile(t.Context(), &store.ProfileRecord{Config: profile.Config{ID: "kids", Deny: []string{"z.example"}}, By: "parent", At: time.Now()}, "changed")
	})
	path := mirrorPath(t)
	d.node(t, path, nil).once(t)
	n := d.node(t, path, nil) // also from the disk
	at, orders, err := n.mirror.OrdersSince(t.Context(), 0)
	if err != nil || len(orders) != 1 || len(orders[0].Names) != 2 {
		t.Fatalf("orders: %v, %v", orders, err)
	}
	if first, second := orders[0].Names[0], orders[0].Names[1]; first.Scope != blocklists.Subtree || first.Standing != store.NameActive || second.Standing != store.NameHeld {
		t.Errorf("names: %+v", orders[0].Names)
	}
	if got := orders[0].Order.Authority.Name; got != "Court" {
		t.Errorf("authority %q", got)
	}
	profiles, err := n.mirror.Profiles(t.Context())
	if err != nil || len(profiles) != 1 || profiles[0].ID != "kids" || profiles[0].Deny[0] != "z.example" {
		t.Errorf("profiles: %+v, %v", profiles, err)
	}
	d.tx(t, func(tx *store.Tx) error {
		record.Lifted = store.Lifting{At: time.Now(), By: "court"}
		if err := tx.PutOrder(t.Context(), record, "court", time.Now()); err != nil {
			return err
		}
		return tx.NoteOrderChange(t.Context(), &store.OrderChange{Order: id, What: "lifted", Actor: "court", Names: 2, Received: time.Now()})
	})
	n.once(t)
	_, orders, err = n.mirror.OrdersSince(t.Context(), at)
	if err != nil || len(orders) != 1 || len(orders[0].Names) != 0 {
		t.Errorf("after the lift: %+v, %v", orders, err)
	}
}

// A desk whose database was restored from a backup is at an earlier change, and has what it
// has: the node follows, and forgets what is no more.
func TestDeskGoesBack(t *testing.T) {
	newer, older := newDesk(t), newDesk(t)
	newer.except(t, "scam", "a.example", "C-1")
	newer.except(t, "scam", "b.example", "C-2")
	older.except(t, "scam", "c.example", "C-9")
	path := mirrorPath(t)
	newer.node(t, path, nil).once(t)
	n := older.node(t, path, nil)
	n.once(t)
	if got := n.names(t); got != "scam:c.example" {
		t.Errorf("after the desk went back: %q", got)
	}
}

func TestForgedAndReplayedDocuments(t *testing.T) {
	d := newDesk(t)
	d.except(t, "scam", "a.example", "C-1")
	var kept []byte
	var signature string
	var tamper func(body []byte, header http.Header) []byte
	proxied := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		recorded := httptest.NewRecorder()
		target, _ := url.Parse(d.server.URL)
		httputil.NewSingleHostReverseProxy(target).ServeHTTP(recorded, r)
		body := recorded.Body.Bytes()
		if strings.HasPrefix(r.URL.Path, fleet.ChangesPath) {
			body = tamper(body, recorded.Header())
		}
		w.Header().Set("Recourse-Signature", recorded.Header().Get("Recourse-Signature"))
		w.WriteHeader(recorded.Code)
		w.Write(body)
	}))
	defer proxied.Close()
	for _, test := range []struct {
		about string
		does  func(body []byte, header http.Header) []byte
		want  string
	}{
		{"as it is", func(body []byte, header http.Header) []byte {
			kept, signature = bytes.Clone(body), header.Get("Recourse-Signature")
			return body
		}, ""},
		{"another name", func(body []byte, _ http.Header) []byte {
			return bytes.Replace(body, []byte("a.example"), []byte("b.example"), 1)
		}, "the signature is not the desk's"},
		{"no signature", func(body []byte, header http.Header) []byte { header.Del("Recourse-Signature"); return body }, "the signature is not the desk's"},
		{"played back", func(_ []byte, header http.Header) []byte { header.Set("Recourse-Signature", signature); return kept }, "answers another question"},
		{"cut off", func(body []byte, _ http.Header) []byte { return body[:len(body)/2] }, "the signature is not the desk's"},
	} {
		tamper = test.does
		n := d.node(t, mirrorPath(t), func(config *fleet.FollowConfig) { config.Desk = proxied.URL })
		err := n.Once(t.Context(), 0)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v, not %q", test.about, err, test.want)
		}
		if test.want != "" && (n.names(t) != "" || n.effect.generation.Load() != 0) {
			t.Errorf("%s: it was put in force", test.about)
		}
	}
	other := newDesk(t)
	n := d.node(t, mirrorPath(t), func(config *fleet.FollowConfig) { config.Keys = []ed25519.PublicKey{other.key} })
	if err := n.Once(t.Context(), 0); !errors.Is(err, fleet.ErrSignature) {
		t.Errorf("another desk's key: %v", err)
	}
}

func TestOnlyNodesAreTold(t *testing.T) {
	d := newDesk(t)
	for token, want := range map[string]string{"": "401", "reviewer-token": "403", "guess": "401"} {
		n := d.node(t, mirrorPath(t), func(config *fleet.FollowConfig) { config.Token = token })
		if err := n.Once(t.Context(), 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("token %q: %v", token, err)
		}
	}
	for _, query := range []string{"", "node=a", "node=a&nonce=short&exceptions=0&orders=0&profiles=0&wait=0", "node=a%0Ab&nonce=0123456789abcdef&exceptions=0&orders=0&profiles=0&wait=0",
		"node=a&nonce=0123456789abcdef&exceptions=-1&orders=0&profiles=0&wait=0", "node=a&nonce=0123456789abcdef&exceptions=0&orders=0&profiles=0&wait=x"} {
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, d.server.URL+fleet.ChangesPath+"?"+query, http.NoBody)
		request.Header.Set("Authorization", "Bearer node-token")
		reply, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		reply.Body.Close()
		if reply.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: %s", query, reply.Status)
		}
	}
}

func TestReceiptsOfNodes(t *testing.T) {
	d := newDesk(t)
	d.except(t, "scam", "a.example", "C-1")
	first := d.node(t, mirrorPath(t), nil)
	second := d.node(t, mirrorPath(t), func(config *fleet.FollowConfig) { config.Node = "node-2" })
	first.once(t)
	receipts := func(id string) string {
		found, err := fleet.CaseReceipts(t.Context(), d.db, id)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, one := range found {
			names = append(names, one.Node)
			if one.Generation == 0 || one.At.IsZero() {
				t.Errorf("receipt %+v", one)
			}
		}
		return strings.Join(names, " ")
	}
	if got := receipts("C-1"); got != "node-1" {
		t.Errorf("one node has it: %q", got)
	}
	second.once(t)
	if got := receipts("C-1"); got != "node-1 node-2" {
		t.Errorf("both have it: %q", got)
	}
	d.except(t, "scam", "b.example", "C-2")
	if got := receipts("C-2"); got != "" {
		t.Errorf("nobody has it: %q", got)
	}
	second.once(t)
	if got := receipts("C-2"); got != "node-2" {
		t.Errorf("the second has it: %q", got)
	}
	nodes, err := fleet.Nodes(t.Context(), d.db)
	if err != nil || len(nodes) != 2 || nodes[0].Position.Exceptions != 1 || nodes[1].Position.Exceptions != 2 {
		t.Errorf("nodes: %+v, %v", nodes, err)
	}
	if err := fleet.Forget(t.Context(), d.db, "node-1"); err != nil {
		t.Fatal(err)
	}
	if nodes, err = fleet.Nodes(t.Context(), d.db); err != nil || len(nodes) != 1 {
		t.Errorf("after one was forgotten: %+v, %v", nodes, err)
	}
}

func TestWhatCannotComeInForceIsNotReported(t *testing.T) {
	d := newDesk(t)
	d.except(t, "scam", "a.example", "C-1")
	n := d.node(t, mirrorPath(t), nil)
	n.effect.fails = errors.New("disk full")
	if err := n.Once(t.Context(), 0); err == nil {
		t.Fatal("nothing is said")
	}
	if nodes, err := fleet.Nodes(t.Context(), d.db); err != nil || len(nodes) != 0 {
		t.Errorf("reported: %+v, %v", nodes, err)
	}
	n.effect.fails = nil
	n.once(t)
	if nodes, err := fleet.Nodes(t.Context(), d.db); err != nil || len(nodes) != 1 {
		t.Errorf("after it was put in force: %+v, %v", nodes, err)
	}
}

func TestDamagedMirrorIsSaid(t *testing.T) {
	path := mirrorPath(t)
	if err := os.WriteFile(path, []byte(`{"to":{"exceptions":7},"exceptions":[{"id":1}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := fleet.OpenMirror(path)
	if err == nil || !strings.Contains(err.Error(), "desk.json") {
		t.Errorf("error: %v", err)
	}
	if at, _ := m.Position(); at != (fleet.Position{}) {
		t.Errorf("a damaged mirror stands at %+v, so the desk would not fill it", at)
	}
}
