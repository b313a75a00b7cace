package recurse_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/dnssec"
	"github.com/recourse-dns/recourse/resolver/lab"
	"github.com/recourse-dns/recourse/resolver/recurse"
)

func TestScratch(t *testing.T) {
	internet, err := lab.New(lab.Config{})
	if err != nil {
		t.Fatal(err)
	}
	config := recurse.Config{Hints: internet.Hints(), IPv4: true, QueryLocalhost: true, Priming: true}
	r, _ := recurse.New(config, internet, slog.New(slog.DiscardHandler))
	v, err := dnssec.New(dnssec.Config{Anchors: internet.Anchors()}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, fresh := range []bool{false, true} {
		for _, sample := range internet.Names() {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			q := query(sample.Name, sample.Type)
			q.Fresh = fresh
			answer, err := v.Stage(r).Resolve(ctx, q)
			cancel()
			rc, sec, ede := 2, false, uint16(0)
			var f *resolver.Failure
			if errors.As(err, &f) {
				ede = f.Extended[0].Code
			}
			if answer != nil {
				rc, sec = answer.Rcode(), answer.Security == resolver.Secure
				if len(answer.Extended) > 0 {
					ede = answer.Extended[0].Code
				}
			}
			flag := ""
			if rc != sample.Rcode || sec != sample.Secure || ede != sample.EDE {
				flag = "DIFF"
			}
			t.Logf("%s %s %s fresh=%v queries=%d rc=%d/%d sec=%v/%v ede=%d/%d %v", flag, sample.Name, dns.TypeToString[sample.Type], fresh, q.Work.Queries(), rc, sample.Rcode, sec, sample.Secure, ede, sample.EDE, err)
		}
	}
}
