package blocklists_test

import (
	"slices"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

func table(columns map[string]string) func(*blocklists.Manifest) {
	return func(m *blocklists.Manifest) { m.Format, m.Columns = "csv", columns }
}

func TestProblemsOfTheFormat(t *testing.T) {
	tests := []struct {
		key  string
		harm func(*blocklists.Manifest)
	}{
		{"encoding", func(m *blocklists.Manifest) { m.Encoding = "ebcdic" }},
		{"timezone", func(m *blocklists.Manifest) { m.Timezone = "Mars/Olympus" }},
		{"match[1]", func(m *blocklists.Manifest) { m.Match = []string{"question", "body"} }},
		{"source.zone", func(m *blocklists.Manifest) { m.Source.Zone = "rpz.example" }},
		{"source.zone", func(m *blocklists.Manifest) { m.Format, m.Source.Zone = "rpz", "a..b" }},
		{"columns", func(m *blocklists.Manifest) { m.Columns = map[string]string{"name": "1"} }},
		{"columns", table(nil)},
		{"columns", table(map[string]string{"listed": "2"})},
		{"columns.name", table(map[string]string{"name": "0"})},
		{"columns.removed", table(map[string]string{"name": "1", "removed": "257"})},
		{"columns.nome", table(map[string]string{"name": "1", "nome": "2"})},
	}
	for _, test := range tests {
		manifest := userList()
		test.harm(manifest)
		if got := keys(manifest.Problems()); !slices.Equal(got, []string{test.key}) {
			t.Errorf("problems at %q, want %q", got, test.key)
		}
	}
}

func TestGoodFormats(t *testing.T) {
	for _, change := range []func(*blocklists.Manifest){
		table(map[string]string{"name": "1", "listed": "2", "removed": "Removed on"}),
		func(m *blocklists.Manifest) { m.Format, m.Source.Zone = "rpz", "rpz.example." },
		func(m *blocklists.Manifest) { m.Format, m.Encoding, m.Timezone = "", "Windows-1250", "Europe/Prague" },
		func(m *blocklists.Manifest) { m.Match = []string{"address", "nameserver"} },
	} {
		manifest := userList()
		change(manifest)
		if problems := manifest.Problems(); len(problems) > 0 {
			t.Errorf("%+v", problems)
		}
	}
}

func TestLocationIsThatOfTheTimezone(t *testing.T) {
	manifest := userList()
	if manifest.Location() != time.UTC {
		t.Errorf("without a time zone: %s", manifest.Location())
	}
	manifest.Timezone = "Europe/Tallinn"
	if got := manifest.Location().String(); got != "Europe/Tallinn" {
		t.Errorf("location %s", got)
	}
}
