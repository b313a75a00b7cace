package limits_test

import (
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/policy/store/storetest"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/limits"
	"github.com/recourse-dns/recourse/redress/redresstest"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// A bubble's clock stands still while a server is waited for: what waits in one runs on SQLite alone.
func TestMain(m *testing.M) {
	os.Exit(storetest.Main(m, `^TestABucketFillsAndItsRowGoes$`, `^TestMidnightUnlinksNetworks$`))
}

func charge(text string, burst uint32) limits.Charge {
	return limits.Charge{Kind: "name", Text: text, Rate: limits.Rate{Burst: burst, Every: time.Hour}}
}

// full says for how long the bucket of a charge is used up; zero where it had one left.
func full(t *testing.T, buckets *limits.Buckets, charges ...limits.Charge) time.Duration {
	t.Helper()
	err := buckets.Take(t.Context(), charges...)
	refused, is := errors.AsType[*limits.Full](err)
	if err != nil && !is {
		t.Fatal(err)
	}
	if !is {
		return 0
	}
	return refused.Wait
}

func count(t *testing.T, db *store.DB, query string) (rows int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query).Scan(&rows); err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestABucketOutlivesTheProcess(t *testing.T) {
	config := storetest.New(t)
	first := storetest.Reopen(t, config)
	for range 3 {
		if wait := full(t, limits.New(first), charge("shop.example", 3)); wait != 0 {
			t.Fatalf("full for %s", wait)
		}
	}
	again := limits.New(storetest.Reopen(t, config))
	if wait := full(t, again, charge("shop.example", 3)); wait < 59*time.Minute || wait > time.Hour {
		t.Errorf("after a restart: full for %s, not for an hour", wait)
	}
	if wait := full(t, again, charge("other.example", 3)); wait != 0 {
		t.Errorf("another bucket is full for %s", wait)
	}
}

// Two desks of one database, and many filings at each: the tokens are given once.
func TestTwoDesksShareABucket(t *testing.T) {
	config := storetest.New(t)
	desks := []*limits.Buckets{limits.New(storetest.Reopen(t, config)), limits.New(storetest.Reopen(t, config))}
	var (
		taken atomic.Int32
		done  sync.WaitGroup
	)
	for i := range 20 {
		done.Go(func() {
			err := desks[i%2].Take(t.Context(), charge("shop.example", 5))
			if err == nil {
				taken.Add(1)
			} else if _, is := errors.AsType[*limits.Full](err); !is {
				t.Error(err)
			}
		})
	}
	done.Wait()
	if taken.Load() != 5 {
		t.Errorf("%d took a token, and there were 5", taken.Load())
	}
}

// Where one of several buckets is used up, nothing is taken from the others.
func TestNothingIsTakenInPart(t *testing.T) {
	buckets := limits.New(storetest.Open(t))
	full(t, buckets, charge("shop.example", 1))
	if full(t, buckets, charge("network", 1), charge("shop.example", 1)) == 0 {
		t.Fatal("the bucket is not used up")
	}
	if wait := full(t, buckets, charge("network", 1)); wait != 0 {
		t.Errorf("the other one is used up for %s", wait)
	}
}

func TestABucketFillsAndItsRowGoes(t *testing.T) {
	config := storetest.SQLite(t)
	synctest.Test(t, func(t *testing.T) {
		db, err := config.Open(t.Context(), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		buckets := limits.New(db)
		for range 2 {
			full(t, buckets, charge("shop.example", 2))
		}
		if wait := full(t, buckets, charge("shop.example", 2)); wait != time.Hour {
			t.Errorf("full for %s", wait)
		}
		time.Sleep(time.Hour)
		if wait := full(t, buckets, charge("shop.example", 2)); wait != 0 {
			t.Errorf("an hour later: full for %s", wait)
		}
		time.Sleep(2 * time.Hour)
		full(t, buckets, charge("other.example", 2))
		if rows := count(t, db, `SELECT COUNT(*) FROM limit_buckets`); rows != 1 {
			t.Errorf("%d rows, and one bucket is not full", rows)
		}
	})
}

// At midnight the key of networks is another one, and the one of yesterday is erased with what it made, also where
// nobody files.
func TestMidnightUnlinksNetworks(t *testing.T) {
	config := storetest.SQLite(t)
	synctest.Test(t, func(t *testing.T) {
		db, err := config.Open(t.Context(), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		buckets := limits.New(db)
		network := limits.Charge{Kind: "network", Text: "192.0.2.0/24", Rate: limits.Rate{Burst: 1, Every: 48 * time.Hour}, Daily: true}
		read := func(query string) (octets string) {
			var raw []byte
			if err := db.QueryRowContext(t.Context(), query).Scan(&raw); err != nil {
				t.Fatal(err)
			}
			return string(raw)
		}
		if full(t, buckets, network, limits.Charge{Kind: "name", Text: "shop.example", Rate: network.Rate}) != 0 || full(t, buckets, network) == 0 {
			t.Fatal("the network has not one token")
		}
		key, bucket := read(`SELECT key FROM limit_days`), read(`SELECT key FROM limit_buckets WHERE day <> 0`)
		go buckets.Run(t.Context(), slog.New(slog.DiscardHandler))
		time.Sleep(time.Until(time.Now().UTC().Truncate(24*time.Hour).Add(24*time.Hour)) + time.Second)
		synctest.Wait()
		if other := read(`SELECT key FROM limit_days`); other == key {
			t.Error("the key is still yesterday's")
		}
		if rows := count(t, db, `SELECT COUNT(*) FROM limit_buckets WHERE day <> 0`); rows != 0 {
			t.Errorf("%d buckets of networks are from yesterday", rows)
		}
		if rows := count(t, db, `SELECT COUNT(*) FROM limit_buckets WHERE day = 0`); rows != 1 {
			t.Errorf("%d buckets of names, not 1: they go on", rows)
		}
		if full(t, buckets, network) != 0 {
			t.Error("the network's bucket did not start anew")
		}
		if again := read(`SELECT key FROM limit_buckets WHERE day <> 0`); again == bucket {
			t.Error("a network has the same key on two days")
		}
	})
}

// The database has no address, no name and no contact of who filed in its buckets.
func TestBucketsTellNothing(t *testing.T) {
	db := storetest.Open(t)
	w := redresstest.New(t)
	door := limits.NewDoor(limits.New(db), w.Desk, limits.DefaultRates(), nil)
	if _, err := door.File(t.Context(), netip.MustParseAddr("198.51.100.7"), application("phish.example")); err != nil {
		t.Fatal(err)
	}
	var keys []string
	err := db.View(t.Context(), func(view *store.View) error {
		rows, err := view.QueryContext(t.Context(), `SELECT key FROM limit_buckets`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var key []byte
			if err := rows.Scan(&key); err != nil {
				return err
			}
			keys = append(keys, string(key))
		}
		return rows.Err()
	})
	if err != nil || len(keys) != 3 {
		t.Fatalf("%d buckets, %v", len(keys), err)
	}
	for _, key := range keys {
		if len(key) != 16 || strings.Contains(key, "phish") || strings.Contains(key, "198.51") || strings.Contains(key, "owner") {
			t.Errorf("a bucket is kept as %q", key)
		}
	}
}

func application(name string) redress.Application {
	return redress.Application{Name: name, Role: "owner", Explanation: "The site was cleaned and checked.", GoodFaith: true, Contact: "owner@example.net"}
}

// Strangers file about a name until its bucket is used up: the owner files nevertheless, by showing that the name is
// his, and has proved control with it. So does an owner in whose network somebody floods.
func TestAFloodLeavesTheOwnerAWay(t *testing.T) {
	w := redresstest.New(t)
	rates := limits.Rates{Network: limits.Rate{Burst: 100, Every: time.Hour}, Name: limits.Rate{Burst: 3, Every: time.Hour}, Contact: limits.Rate{Burst: 100, Every: time.Hour}}
	door := limits.NewDoor(limits.New(w.DB), w.Desk, rates, nil)
	stranger, owner := netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("198.51.100.7")
	for _, name := range []string{"a.phish.example", "b.phish.example", "phish.example"} { // one bucket for all of them
		if _, err := door.File(t.Context(), stranger, application(name)); err != nil {
			t.Fatal(err)
		}
	}
	filed := application("phish.example")
	refused := refusal(t, door, owner, filed)
	if refused.Kind != "name" || refused.Wait <= 0 || refused.Wait > time.Hour || refused.Missing {
		t.Errorf("refused with %+v", refused)
	}
	filed.EarlyProof = refused.EarlyProof.Secret
	again := refusal(t, door, owner, filed)
	if !again.Missing || again.EarlyProof != refused.EarlyProof {
		t.Errorf("without the record: %+v", again)
	}
	w.DNS.Add(refused.EarlyProof.Challenge.Name + `. 60 IN TXT "` + refused.EarlyProof.Challenge.Value + `"`)
	receipt, err := door.File(t.Context(), owner, filed)
	if err != nil {
		t.Fatal(err)
	}
	status, err := w.Desk.Show(t.Context(), receipt.ID, receipt.Token)
	if err != nil || !status.Verified {
		t.Errorf("control is proved: %t, %v", status.Verified, err)
	}
	other := application("casino.example")
	other.EarlyProof = refused.EarlyProof.Secret
	if _, err := door.File(t.Context(), owner, other); err != nil {
		t.Errorf("about a name that nobody floods: %v", err)
	}
}

func refusal(t *testing.T, door *limits.Door, from netip.Addr, application redress.Application) *limits.Refused {
	t.Helper()
	_, err := door.File(t.Context(), from, application)
	refused, is := errors.AsType[*limits.Refused](err)
	if !is {
		t.Fatalf("not refused: %v", err)
	}
	return refused
}

// What is wrong with a filing is said before it counts.
func TestMistakesCostNothing(t *testing.T) {
	w := redresstest.New(t)
	one := limits.Rate{Burst: 1, Every: time.Hour}
	door := limits.NewDoor(limits.New(w.DB), w.Desk, limits.Rates{Network: one, Name: one, Contact: one}, nil)
	wrong := application("phish.example")
	wrong.GoodFaith = false
	for range 3 {
		if _, err := door.File(t.Context(), netip.MustParseAddr("198.51.100.7"), wrong); err == nil {
			t.Fatal("filed")
		} else if _, is := errors.AsType[*redress.Invalid](err); !is {
			t.Fatal(err)
		}
	}
	if _, err := door.File(t.Context(), netip.MustParseAddr("198.51.100.7"), application("phish.example")); err != nil {
		t.Error(err)
	}
}

func TestRegistrable(t *testing.T) {
	for name, want := range map[string]string{"a.b.shop.example": "shop.example", "shop.co.uk": "shop.co.uk", "www.tenant.github.io": "tenant.github.io", "github.io": "github.io", "example": "example"} {
		if got := limits.Registrable(wire.MustName(name)); got != want {
			t.Errorf("%s: %s, not %s", name, got, want)
		}
	}
}
