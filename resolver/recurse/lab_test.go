package recurse_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/lab"
	"github.com/recourse-dns/recourse/resolver/recurse"
)

// TestLab resolves all that the miniature Internet has to try, without
// validation: bogus data comes through here, and is left out.
func TestLab(t *testing.T) {
	internet, err := lab.New(lab.Config{})
	if err != nil {
		t.Fatal(err)
	}
	config := recurse.Config{Hints: internet.Hints(), IPv4: true, QueryLocalhost: true, Priming: true}
	r, err := recurse.New(config, internet, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, sample := range internet.Names() {
		if sample.Rcode == dns.RcodeServerFailure {
			continue
		}
		t.Run(sample.Name+" "+dns.TypeToString[sample.Type], func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			q := query(sample.Name, sample.Type)
			answer, err := r.Resolve(ctx, q)
			if err != nil {
				t.Fatalf("%s: %v", sample.About, err)
			}
			if answer.Rcode() != sample.Rcode {
				t.Errorf("%s: rcode %d, want %d", sample.About, answer.Rcode(), sample.Rcode)
			}
			if q.Work.Queries() > 30 {
				t.Errorf("%s: cost %d queries", sample.About, q.Work.Queries())
			}
			if _, err := answer.Pack(); err != nil {
				t.Error(err)
			}
		})
	}
}
