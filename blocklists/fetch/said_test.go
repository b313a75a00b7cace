package fetch_test

import (
	"os"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists/fetch"
)

// A file says the same again when it is written anew, and not when it is looked at again.
func TestAFileThatLiesThereSaysNothing(t *testing.T) {
	p := newPlace(t)
	p.source("one")
	if status := p.want(fetch.OK, "one"); !status.SaidAt.IsZero() {
		t.Errorf("said twice at first: %+v", status)
	}
	if status := p.want(fetch.OK, "one"); !status.SaidAt.IsZero() {
		t.Errorf("said twice without a change: %+v", status)
	}
	p.restart()
	if status := p.want(fetch.OK, "one"); !status.SaidAt.IsZero() {
		t.Errorf("a restart is no word of the source: %+v", status)
	}
	if err := os.Chtimes(p.manifest.Source.File, time.Time{}, time.Unix(1e9, 0)); err != nil {
		t.Fatal(err)
	}
	said := p.want(fetch.OK, "one")
	if said.SaidAt.IsZero() || said.SaidAt.Before(said.FetchedAt) {
		t.Errorf("written anew: %+v", said)
	}
	p.restart()
	if status := p.want(fetch.OK, "one"); !status.SaidAt.Equal(said.SaidAt) {
		t.Errorf("after a restart: %+v", status)
	}
	p.source("other")
	if status := p.want(fetch.OK, "other"); !status.SaidAt.IsZero() {
		t.Errorf("something else: %+v", status)
	}
}

func TestAServerThatIsAskedAgainSaysItTwice(t *testing.T) {
	p := newWebPlace(t, say("one"))
	if status := p.want(fetch.OK, "one"); !status.SaidAt.IsZero() {
		t.Errorf("at first: %+v", status)
	}
	if status := p.want(fetch.OK, "one"); status.SaidAt.IsZero() {
		t.Errorf("asked again: %+v", status)
	}
}
