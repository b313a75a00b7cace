package rewrite_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/policy/rewrite"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func table(t *testing.T) *rewrite.Table {
	t.Helper()
	made, err := rewrite.NewTable()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestTable(t *testing.T) {
	engines := map[string]int{}
	all := table(t).Hosts(rewrite.All())
	for _, host := range all {
		target, found := table(t).Find(rewrite.All(), host)
		if !found || (target.Alias == "") == !target.Addr.IsValid() {
			t.Fatalf("%s: %+v", host, target)
		}
		if _, again := table(t).Find(rewrite.All(), target.Alias); again {
			t.Errorf("%s is answered with %s, which is answered with something else", host, target.Alias)
		}
		engines[target.Engine]++
		if target.Engine == "google" && !strings.HasPrefix(host.String(), "www.google.") {
			t.Errorf("%s is no search of Google's", host)
		}
	}
	want := map[string]int{"google": 194, "youtube": 5, "bing": 2, "duckduckgo": 3, "ecosia": 1, "pixabay": 1, "brave": 1, "yandex": 52}
	for engine, count := range want {
		if engines[engine] != count {
			t.Errorf("%s has %d hosts, not %d", engine, engines[engine], count)
		}
	}
	if len(engines) != len(want) {
		t.Errorf("engines: %v", engines)
	}
}

func TestChoices(t *testing.T) {
	host := wire.MustName("www.youtube.com")
	for text, want := range map[string]string{
		"true": "restrictmoderate.youtube.com", "false": "", `{"google": true}`: "", `{"youtube": "off"}`: "",
		`{"youtube": "strict"}`: "restrict.youtube.com", `{"youtube": "moderate", "bing": false}`: "restrictmoderate.youtube.com",
	} {
		var choice rewrite.Choice
		if err := json.Unmarshal([]byte(text), &choice); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		target, found := table(t).Find(choice, host)
		if found != (want != "") || found && target.Alias != wire.MustName(want) {
			t.Errorf("%s: %v, %v", text, target, found)
		}
		octets, err := json.Marshal(choice)
		var again rewrite.Choice
		if err != nil || json.Unmarshal(octets, &again) != nil || again != choice {
			t.Errorf("%s is written as %s", text, octets)
		}
	}
	for _, text := range []string{`"yes"`, `{"gogle": true}`, `{"youtube": "hard"}`, `1`} {
		if err := json.Unmarshal([]byte(text), new(rewrite.Choice)); err == nil {
			t.Errorf("%s is a choice", text)
		}
	}
	joined := rewrite.Choice{Google: true}
	joined.Join(rewrite.Choice{YouTube: rewrite.Strict, Brave: true})
	if joined != (rewrite.Choice{Google: true, YouTube: rewrite.Strict, Brave: true}) {
		t.Errorf("joined: %+v", joined)
	}
}
