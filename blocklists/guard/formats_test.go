package guard_test

import (
	"io"
	"testing"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/guard"
)

// TestPlanOfRealLists reads real lists in the formats in which they are published, and
// wants the plan to hold what the safeguards are for.
func TestPlanOfRealLists(t *testing.T) {
	h := newHouse(t)
	g := guard.New(guard.Config{Popular: realRanks(t, "misp-warninglists/tranco10k.json.gz"), HoldAbove: 10_000})
	var manifests []*blocklists.Manifest
	for _, list := range []struct{ id, format, path string }{
		{"dyndns", "rpz", "hagezi/2026/rpz-dyndns.txt.gz"},
		{"spam-tlds", "rpz", "hagezi/2026/rpz-spam-tlds.txt"},
		{"light", "adblock", "hagezi/2022-light/adblock-light.txt.gz"},
		{"fake", "hosts", "hagezi/2022-fake/hosts-fake.txt.gz"},
		{"phishing", "domains", "phishing-database/2023-01-phishing-domains-active.txt.gz"},
		{"tables", "csv", "blackbook/blackbook.csv.gz"},
		{"piracy", "dnsmasq", "blocklistproject/piracy/dnsmasq-piracy.txt.gz"},
	} {
		octets, err := io.ReadAll(realFile(t, list.path))
		if err != nil {
			t.Fatal(err)
		}
		made := h.list(list.id, blocklists.Exact, string(octets))
		made.Format = list.format
		if list.format == "csv" {
			made.Columns = map[string]string{"name": "1"}
		}
		manifests = append(manifests, made)
	}
	next, reports := h.compileWith(g, bundle.Empty(), manifests...)
	plan := guard.Compare(bundle.Empty(), next, reports, g)
	held := map[string]blocklists.Safeguard{}
	for i, list := range plan.Lists {
		for _, note := range reports[i].Noted {
			if note.Standing == blocklists.Held {
				subject := guard.SubjectOf(&note.Row)
				held[string(list.List)+" "+subject.String()] = guard.SafeguardOf(note.Because)
			}
		}
		if list.Trouble != "" {
			t.Errorf("%s: %s", list.List, list.Trouble)
		}
		t.Logf("measured: %s: would block %d, held %d, refused %d", list.List, list.Block, list.Held, list.Refused)
	}
	for what, want := range map[string]blocklists.Safeguard{
		"dyndns duckdns.org": blocklists.PublicSuffix, "spam-tlds auction": blocklists.PublicSuffix, "light storage.yandexcloud.net": blocklists.PublicSuffix,
		"fake shutterstock.com": blocklists.PopularName, "phishing apple.co": blocklists.PopularName,
	} {
		if held[what] != want {
			t.Errorf("%s is held by %q, not %s", what, held[what], want)
		}
	}
	if len(plan.TopHits) == 0 || plan.TopHits[0].Rank == 0 {
		t.Errorf("top hits: %+v", plan.TopHits)
	}
}
