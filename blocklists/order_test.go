package blocklists_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func completeOrder() *blocklists.Order {
	received := time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)
	return &blocklists.Order{
		Ref: "RG 1/2026", List: "court", Authority: blocklists.Authority{Name: "Tribunale di Esempio", Kind: "court", Country: "IT"},
		LegalBasis: []blocklists.Basis{{Act: "Legge 633/1941", Article: "163"}}, Reasons: map[string]string{"it": "Diffusione abusiva."},
		Jurisdiction: []string{"IT"}, Language: "it", Received: received, Effective: received, EnforceBy: received.Add(30 * time.Minute), Expires: received.AddDate(0, 6, 0),
		Document: blocklists.Document{SHA256: strings.Repeat("0a", 32), URL: "https://court.example/1"},
		Redress:  blocklists.Redress{Venues: []blocklists.Venue{{Kind: "court", Name: "Corte di Appello"}}, DeadlineFrom: "notification"},
		Entries:  []blocklists.OrderEntry{{Text: "pirate.example", Name: wire.MustName("pirate.example")}},
	}
}

// TestOrdersAreCompleteDeficientOrNone is the whole law of what an order needs.
func TestOrdersAreCompleteDeficientOrNone(t *testing.T) {
	for _, test := range []struct {
		what      string
		harm      func(*blocklists.Order)
		unlawful  []string // keys
		deficient []string
	}{
		{"complete", func(*blocklists.Order) {}, nil, nil},
		{"without dates but its arrival", func(o *blocklists.Order) { o.EnforceBy, o.Expires = time.Time{}, time.Time{} }, nil, nil},
		{"effective before it was received", func(o *blocklists.Order) { o.Effective = o.Effective.AddDate(0, -1, 0) }, nil, nil},

		{"no reasons", func(o *blocklists.Order) { o.Reasons = nil }, nil, []string{"reasons"}},
		{"empty reasons", func(o *blocklists.Order) { o.Reasons = map[string]string{"it": " "} }, nil, []string{"reasons"}},
		{"no redress", func(o *blocklists.Order) { o.Redress = blocklists.Redress{} }, nil, []string{"redress"}},
		{"no language", func(o *blocklists.Order) { o.Language = "" }, nil, []string{"language"}},
		{"none of the three", func(o *blocklists.Order) { o.Language, o.Reasons, o.Redress = "", nil, blocklists.Redress{} }, nil, []string{"reasons", "redress", "language"}},

		{"no reference", func(o *blocklists.Order) { o.Ref = "" }, []string{"ref"}, nil},
		{"a reference of two lines", func(o *blocklists.Order) { o.Ref = "RG\n1" }, []string{"ref"}, nil},
		{"a long reference", func(o *blocklists.Order) { o.Ref = strings.Repeat("1", 201) }, []string{"ref"}, nil},
		{"no authority", func(o *blocklists.Order) { o.Authority.Name = " " }, []string{"authority.name"}, nil},
		{"an authority of no kind", func(o *blocklists.Order) { o.Authority.Kind = "friend" }, []string{"authority.kind"}, nil},
		{"no legal basis", func(o *blocklists.Order) { o.LegalBasis = nil }, []string{"legal_basis"}, nil},
		{"a basis without an act", func(o *blocklists.Order) { o.LegalBasis[0].Act = "" }, []string{"legal_basis[0].act"}, nil},
		{"a mere agreement", func(o *blocklists.Order) { o.LegalBasis[0].Act = "Memorandum of understanding" }, []string{"legal_basis"}, nil},
		{"no jurisdiction", func(o *blocklists.Order) { o.Jurisdiction = nil }, []string{"jurisdiction"}, nil},
		{"a jurisdiction in words", func(o *blocklists.Order) { o.Jurisdiction = []string{"IT", "Italy"} }, []string{"jurisdiction[1]"}, nil},
		{"no names", func(o *blocklists.Order) { o.Entries = nil }, []string{"entries"}, nil},
		{"a pattern", func(o *blocklists.Order) {
			o.Entries = append(o.Entries, blocklists.OrderEntry{Text: "*.pirate.*"})
		}, []string{"entries[1].name"}, nil},
		{"too many names", func(o *blocklists.Order) { o.Entries = make([]blocklists.OrderEntry, blocklists.MaxOrderNames+1) }, []string{"entries"}, nil},
		{"ends before it begins", func(o *blocklists.Order) { o.Expires = o.Effective }, []string{"expires"}, nil},
		{"ended before it came", func(o *blocklists.Order) {
			o.Effective, o.Expires = o.Received.AddDate(0, -2, 0), o.Received.AddDate(0, -1, 0)
		}, []string{"expires"}, nil},
		{"to be enforced before it came", func(o *blocklists.Order) { o.EnforceBy = o.Received.Add(-time.Hour) }, []string{"enforce_by"}, nil},
		{"a hash that is none", func(o *blocklists.Order) { o.Document.SHA256 = "abc" }, []string{"document.sha256"}, nil},
		{"a script for an address", func(o *blocklists.Order) { o.Document.URL = "javascript:alert(1)" }, []string{"document.url"}, nil},
		{"a venue without a name", func(o *blocklists.Order) { o.Redress.Venues[0].Name = "" }, []string{"redress.venues[0].name"}, nil},
		{"everything at once", func(o *blocklists.Order) { *o = blocklists.Order{Received: o.Received} },
			[]string{"ref", "authority.name", "legal_basis", "jurisdiction", "entries"}, []string{"reasons", "redress", "language"}},
	} {
		order := completeOrder()
		test.harm(order)
		check := order.Check()
		if got := keys(check.Unlawful); !slices.Equal(got, test.unlawful) || check.Lawful() != (len(test.unlawful) == 0) {
			t.Errorf("%s: unlawful for %q, want %q", test.what, got, test.unlawful)
		}
		if !slices.Equal(check.Deficient, test.deficient) {
			t.Errorf("%s: deficient for %q, want %q", test.what, check.Deficient, test.deficient)
		}
	}
}

func TestReasonOfAnOrderIsInTheLanguageThatIsWanted(t *testing.T) {
	order := completeOrder()
	order.Reasons = map[string]string{"it": "Uno.", "de": "Eins.", "fr": "Un."}
	for wanted, want := range map[string]string{"de": "Eins.", "it": "Uno.", "en": "Uno."} {
		if text, _ := order.Reason(wanted); text != want {
			t.Errorf("in %s: %q", wanted, text)
		}
	}
	if order.Language = "en"; func() string { text, _ := order.Reason(); return text }() != "Eins." {
		t.Error("without a text in its own language the first in order is taken")
	}
	order.Reasons = nil
	if text, language := order.Reason("de"); text != "" || language != "" {
		t.Errorf("an order without reasons says %q in %q", text, language)
	}
}
