package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/fetch"
)

// fakeOrigin is a source in the time of the test's bubble.
type fakeOrigin struct {
	mu    sync.Mutex
	text  string
	err   error
	timer *fetch.Timers
	asked []time.Time
}

func (f *fakeOrigin) Serves(source *blocklists.Source) bool { return source.File == "" }

func (f *fakeOrigin) Bring(_ context.Context, _ *blocklists.Manifest, _ fetch.Known, into *os.File) (fetch.Brought, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, time.Now())
	if f.err != nil {
		return fetch.Brought{}, f.err
	}
	_, err := io.WriteString(into, f.text)
	return fetch.Brought{Marks: fetch.Marks{Zone: f.timer}}, err
}

func (f *fakeOrigin) say(text string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text, f.err = text, err
}

func (f *fakeOrigin) times() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.asked)
}

// desk counts compiles, and reads each list as one would.
type desk struct {
	t        *testing.T
	store    *fetch.Store
	manifest *blocklists.Manifest
	mu       sync.Mutex
	compiles int
	status   fetch.Status
	text     string
}

func (d *desk) compile(ctx context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.compiles++
	d.text = ""
	d.status, _ = d.store.Stored().Load(ctx, d.manifest, func(r io.Reader) error {
		text, err := io.ReadAll(r)
		if strings.HasPrefix(string(text), "bad") {
			return errBad
		}
		d.text = string(text)
		return err
	})
	if err := d.store.Settle(d.manifest, d.status); err != nil {
		d.t.Error(err)
	}
}

func (d *desk) seen() (int, fetch.State, string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.compiles, d.status.State, d.text
}

type refreshing struct {
	*desk
	origin *fakeOrigin
	end    func()
}

// refresh runs a refresher in a bubble; the state outlives it.
func refresh(t *testing.T, state string, m *blocklists.Manifest, origin *fakeOrigin) *refreshing {
	store := fetch.New(state, nil, slog.New(slog.DiscardHandler), origin)
	r := &refreshing{desk: &desk{t: t, store: store, manifest: m}, origin: origin}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		fetch.NewRefresher(store, nil, slog.New(slog.DiscardHandler)).Run(ctx, []*blocklists.Manifest{m}, false, r.compile)
	}()
	r.end = func() { cancel(); <-done }
	return r
}

func (r *refreshing) want(compiles int, state fetch.State, text string) {
	r.t.Helper()
	synctest.Wait()
	if n, s, got := r.seen(); n != compiles || s != state || got != text {
		r.t.Errorf("after %d compiles %s with %q; want %d, %s, %q", n, s, got, compiles, state, text)
	}
}

func networkList() *blocklists.Manifest {
	return &blocklists.Manifest{ID: "ads", Purpose: blocklists.Security, Format: "domains",
		Source: blocklists.Source{URL: "https://lists.example/", Refresh: 5 * time.Minute, MaxAge: time.Hour}}
}

func TestWhatDidNotChangeIsNotCompiled(t *testing.T) {
	state := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := refresh(t, state, networkList(), &fakeOrigin{text: "one"})
		time.Sleep(time.Second)
		r.want(1, fetch.OK, "one")
		time.Sleep(time.Hour)
		r.want(1, fetch.OK, "one")
		if n := r.origin.times(); n < 12 || n > 15 {
			t.Errorf("asked %d times in an hour", n)
		}
		r.origin.say("two", nil)
		time.Sleep(6 * time.Minute)
		r.want(2, fetch.OK, "two")
		r.end()
	})
}

func TestRestartsDoNotAskAtOnce(t *testing.T) {
	state := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		origin := &fakeOrigin{text: "one"}
		for range 5 {
			r := refresh(t, state, networkList(), origin)
			time.Sleep(10 * time.Second)
			synctest.Wait()
			r.end()
		}
		if n := origin.times(); n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
}

func TestFailuresAreRetriedLessAndLessOften(t *testing.T) {
	state := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		m := networkList()
		m.Source.Refresh, m.Source.MaxAge = 24*time.Hour, 0
		r := refresh(t, state, m, &fakeOrigin{err: errors.New("no")})
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		r.end()
		var waits []time.Duration
		for i := range r.origin.asked[1:] {
			waits = append(waits, r.origin.asked[i+1].Sub(r.origin.asked[i]))
		}
		if first := waits[0]; first < 14*time.Second || first > 31*time.Second {
			t.Errorf("the first wait is %s", first)
		}
		if last := waits[len(waits)-1]; last < 29*time.Minute || last > time.Hour {
			t.Errorf("the last wait is %s", last)
		}
		if len(waits) < 24 || len(waits) > 60 {
			t.Errorf("%d retries in a day", len(waits))
		}
	})
}

func TestASecurityListStopsAndALawListStays(t *testing.T) {
	for _, test := range []struct {
		purpose blocklists.Purpose
		onStale string
		state   fetch.State
		text    string
	}{
		{blocklists.Security, "", fetch.Stopped, ""},
		{blocklists.Security, "keep", fetch.OK, "one"},
		{blocklists.Law, "", fetch.OK, "one"},
		{blocklists.User, "stop", fetch.Stopped, ""},
	} {
		state := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			m := networkList()
			m.Purpose, m.Source.OnStale = test.purpose, test.onStale
			r := refresh(t, state, m, &fakeOrigin{text: "one"})
			time.Sleep(time.Second)
			r.origin.say("", errors.New("gone"))
			time.Sleep(59 * time.Minute)
			r.want(1, fetch.OK, "one")
			time.Sleep(10 * time.Minute)
			compiles := 1
			if test.state == fetch.Stopped {
				compiles = 2
			}
			r.want(compiles, test.state, test.text)
			if status := r.store.Status(m); status.StaleSince.IsZero() || status.Err == nil {
				t.Errorf("%+v", status)
			}
			r.end()
			r = refresh(t, state, m, r.origin) // a restart changes nothing
			time.Sleep(time.Second)
			r.compile(t.Context())
			if _, got, text := r.seen(); text != test.text || (got == fetch.Stopped) != (test.state == fetch.Stopped) {
				t.Errorf("%s, %q: after a restart %s with %q", test.purpose, test.onStale, got, text)
			}
			r.origin.say("one", nil)
			time.Sleep(time.Hour)
			synctest.Wait()
			if r.compile(t.Context()); r.text != "one" || r.status.State != fetch.OK {
				t.Errorf("the source is back: %+v", r.status)
			}
			r.end()
		})
	}
}

func TestWhatIsNoListIsReadOnce(t *testing.T) {
	state := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := refresh(t, state, networkList(), &fakeOrigin{text: "one"})
		time.Sleep(time.Second)
		r.origin.say("bad", nil)
		time.Sleep(30 * time.Minute)
		r.want(2, fetch.Kept, "one")
		r.origin.say("one", nil)
		time.Sleep(10 * time.Minute)
		r.want(2, fetch.Kept, "one") // it is what it was: nothing to read
		if status := r.store.Status(r.manifest); status.State != fetch.OK || status.Err != nil {
			t.Errorf("%+v", status)
		}
		r.end()
	})
}

func TestKicksCannotMakeUsAskAllTheTime(t *testing.T) {
	state := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		origin := &fakeOrigin{text: "one"}
		m := networkList()
		store := fetch.New(state, nil, quiet, origin)
		refresher := fetch.NewRefresher(store, nil, quiet)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			refresher.Run(ctx, []*blocklists.Manifest{m}, false, func(context.Context) {})
		}()
		for range 10_000 { // ten seconds of a flood
			time.Sleep(time.Millisecond)
			refresher.Kick(m.ID)
			refresher.Kick("unknown")
		}
		synctest.Wait()
		if n := origin.times(); n < 3 || n > 7 {
			t.Errorf("asked %d times", n)
		}
		cancel()
		<-done
	})
}

func TestAZonesOwnTimers(t *testing.T) {
	state := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		m := networkList()
		m.Source = blocklists.Source{RPZ: "rpz.example"}
		r := refresh(t, state, m, &fakeOrigin{text: "one", timer: &fetch.Timers{Serial: 7, Refresh: 600, Retry: 60, Expire: 7200}})
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := r.origin.times(); n < 6 || n > 8 {
			t.Errorf("asked %d times in an hour", n)
		}
		r.origin.say("", errors.New("gone"))
		time.Sleep(2*time.Hour + 20*time.Minute)
		r.want(2, fetch.Stopped, "")
		r.end()
	})
}

func TestAFileIsReadWhenItRests(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ads.txt")
	if err := os.WriteFile(path, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := &blocklists.Manifest{ID: "ads", Purpose: blocklists.User, Format: "domains", Source: blocklists.Source{File: path, Refresh: 24 * time.Hour}}
	store := fetch.New(t.TempDir(), nil, quiet)
	if _, err := store.Load(t.Context(), m, func(r io.Reader) error { _, err := io.ReadAll(r); return err }); err != nil {
		t.Fatal(err)
	}
	changed := make(chan struct{}, 10)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		fetch.NewRefresher(store, nil, quiet).Run(ctx, []*blocklists.Manifest{m}, false, func(context.Context) { changed <- struct{}{} })
	}()
	defer func() { cancel(); <-done }()
	aside := path + ".new"
	tick := time.NewTicker(2 * fetch.Settled)
	defer tick.Stop()
	for n := 0; ; n++ {
		// The watch may not stand yet at the first writing, so write until one is seen.
		if err := errors.Join(os.WriteFile(aside, fmt.Append(nil, "two", n), 0o600), os.Rename(aside, path)); err != nil {
			t.Fatal(err)
		}
		select {
		case <-changed:
			return
		case <-tick.C:
		}
		if n == 20 {
			t.Fatal("a change of the file is not seen")
		}
	}
}

func TestPlacesAreFewAndListsMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		origin := &fakeOrigin{text: "one"}
		store := fetch.New(t.TempDir(), nil, quiet, origin)
		var lists []*blocklists.Manifest
		for i := range 50 {
			m := networkList()
			m.ID = blocklists.ListID(fmt.Sprintf("list-%d", i))
			lists = append(lists, m)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		compiles := 0
		go func() {
			defer close(done)
			fetch.NewRefresher(store, nil, quiet).Run(ctx, lists, false, func(context.Context) { compiles++; time.Sleep(time.Minute) })
		}()
		time.Sleep(3 * time.Minute)
		cancel()
		<-done
		if origin.times() != 50 || compiles > 2 {
			t.Errorf("asked %d times, compiled %d times", origin.times(), compiles)
		}
		if due := slices.ContainsFunc(lists, func(m *blocklists.Manifest) bool { return store.Due(m).IsZero() }); due {
			t.Error("a list was not asked")
		}
	})
}
