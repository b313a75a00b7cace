package control_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/control"
	"github.com/recourse-dns/recourse/redress/proof"
	"github.com/recourse-dns/recourse/redress/redresstest"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/dnssec"
	"github.com/recourse-dns/recourse/resolver/lab"
	"github.com/recourse-dns/recourse/resolver/recurse"
)

// world resolves from the root of the miniature Internet, and validates.
func world(t *testing.T) (*lab.Internet, resolver.Handler) {
	t.Helper()
	internet, err := lab.New(lab.Config{})
	if err != nil {
		t.Fatal(err)
	}
	search, err := recurse.New(recurse.Config{Hints: internet.Hints(), IPv4: true, QueryLocalhost: true}, internet, quiet)
	if err != nil {
		t.Fatal(err)
	}
	validator, err := dnssec.New(dnssec.Config{Anchors: internet.Anchors()}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return internet, resolver.Chain(search, validator.Stage)
}

// update puts records into a zone of the miniature Internet, as its owner does (RFC 2136).
func update(t *testing.T, internet *lab.Internet, zone string, records ...string) {
	t.Helper()
	server, err := internet.Updates("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	message := new(dns.Msg).SetUpdate(zone)
	for _, text := range records {
		record, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		message.Insert([]dns.RR{record})
	}
	name, secret := server.Key()
	message.SetTsig(name, dns.HmacSHA256, 300, time.Now().Unix())
	client := &dns.Client{Net: "tcp", TsigSecret: map[string]string{name: secret}}
	reply, _, err := client.Exchange(message, server.Addr())
	if err != nil || reply.Rcode != dns.RcodeSuccess {
		t.Fatalf("update: %v, %v", reply, err)
	}
}

// TestTheRecordIsFoundWithoutAsking: the shop owner puts the record into the real zone and
// goes away; the next look finds it, validated, past every cache.
func TestTheRecordIsFoundWithoutAsking(t *testing.T) {
	internet, handler := world(t)
	p := &place{World: redresstest.New(t), sent: letters{new([]string)}}
	provers := control.Note(p.DB, proof.Methods{redress.ByDNS: proof.NewTXT(handler)})
	p.desk = redress.NewDesk(redress.Config{}, p.Store, provers, func() redress.Index { return p.Current.Load() }, p.Effect, quiet)
	worker := control.NewWorker(p.DB, p.desk, nil, quiet)
	receipt := p.file(t, "phish.example", redress.Owner)

	look := func(flaw redress.Flaw) {
		t.Helper()
		due(t, p.DB, worker)
		progress, err := control.ProgressOf(t.Context(), p.DB, receipt.ID)
		if err != nil || len(progress.Findings) != 1 || progress.Findings[0].Flaw != flaw {
			t.Fatalf("progress %+v, %v; want %q", progress, err, flaw)
		}
	}
	look(redress.FlawAbsent)
	update(t, internet, "phish.example.", receipt.Challenge.Name+".phish.example. 60 IN TXT "+receipt.Challenge.Value)
	look(redress.FlawDoubled)
	update(t, internet, "phish.example.", receipt.Challenge.Name+`. 60 IN TXT "`+strings.TrimPrefix(receipt.Challenge.Value, "redress=")+`"`)
	look(redress.FlawBeginning)
	update(t, internet, "phish.example.", receipt.Challenge.Name+`. 60 IN TXT "`+receipt.Challenge.Value+`"`)
	look("")
	if !p.verified(t, receipt) {
		t.Error("the record was not found")
	}
}

// due lets five minutes pass for all challenges, and a worker look.
func due(t *testing.T, db *store.DB, worker *control.Worker) {
	t.Helper()
	for range 2 { // the first gathers
		err := db.Tx(t.Context(), func(tx *store.Tx) error {
			_, err := tx.ExecContext(t.Context(), `UPDATE proof_checks SET next_at = 0`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := worker.Round(context.WithoutCancel(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
}
