package main

import (
	"fmt"
	"log/slog"
	"testing"
	"testing/fstest"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// BenchmarkLayOrders is what one change of an order costs beside the database, with so many
// names of others in force.
func BenchmarkLayOrders(b *testing.B) {
	for _, count := range []int{2_000, 20_000, 200_000} {
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			base := court(b)
			entries := make([]blocklists.Entry, 0, count)
			for i := range count {
				entries = append(entries, blocklists.Entry{
					List: "court", Name: wire.MustName(fmt.Sprintf("n%d.pirate%d.example", i, i%97)), Scope: blocklists.Subtree,
					Order: fmt.Sprintf("RG %d/2026", i/2000), FirstSeen: time.Unix(1_800_000_000, 0), Terms: blocklists.Terms{From: 1_800_000_000},
				})
			}
			for b.Loop() {
				if _, err := base.Lay(entries, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// court is a bundle with one law list and nothing in it.
func court(b *testing.B) *bundle.Bundle {
	b.Helper()
	manifest := &blocklists.Manifest{
		ID: "court", Purpose: blocklists.Law, Category: "copyright", Title: map[string]string{"en": "Court orders"}, ReviewEvery: time.Hour, Jurisdiction: []string{"IT"},
		Authority: blocklists.Authority{Name: "Tribunale"}, LegalBasis: []blocklists.Basis{{Act: "Act"}}, AtEnforceBy: "hold",
		Redress: blocklists.Redress{Venues: []blocklists.Venue{{Name: "Court"}}, DeadlineFrom: "notification"}, Source: blocklists.Source{File: "court.txt"},
	}
	return emptyBundle(b, manifest)
}

func emptyBundle(b *testing.B, manifest *blocklists.Manifest) *bundle.Bundle {
	b.Helper()
	catalog, err := blocklists.NewCatalog([]*blocklists.Manifest{manifest})
	if err != nil {
		b.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	files := fstest.MapFS{"court.txt": &fstest.MapFile{Data: []byte("\n")}}
	made, _, err := bundle.Compile(b.Context(), catalog, nil, fetch.New("absent", files, quiet).Preview(), nil, nil, time.Now(), quiet)
	if err != nil {
		b.Fatal(err)
	}
	return made
}
