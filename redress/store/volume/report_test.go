package volume_test

import (
	"log/slog"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/policy"
	policystore "github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress/audit"
	"github.com/recourse-dns/recourse/redress/exceptions"
	"github.com/recourse-dns/recourse/redress/report"
	"github.com/recourse-dns/recourse/redress/store"
)

// spent is the processor's time of this process so far, whatever else runs on the machine. What a database
// server spends is not in it.
func spent(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// measured runs one thing as a benchmark of its own, with what it spends.
func measured(b *testing.B, name string, do func() error) {
	b.Helper()
	b.Run(name, func(b *testing.B) {
		before := spent(b)
		for b.Loop() {
			if err := do(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(spent(b)-before)/float64(b.N)/1e6, "cpu-ms/op")
	})
}

// log makes a report of the year, from all events and from what was counted before, and verifies all of it.
func log(b *testing.B, db *policystore.DB) {
	b.Helper()
	year := report.Period{From: end.AddDate(-1, 0, 0), To: end}
	quiet := slog.New(slog.DiscardHandler)
	measured(b, "report/recounted", func() error {
		_, err := report.NewBooks(db, quiet).Recounted(b.Context(), "ISP", "", year)
		return err
	})
	if err := report.NewBooks(db, quiet).Keep(b.Context()); err != nil {
		b.Fatal(err)
	}
	measured(b, "report/kept", func() error {
		_, err := report.NewBooks(db, quiet).Report(b.Context(), "ISP", "", year)
		return err
	})
	measured(b, "figures", func() error {
		_, err := store.New(db).Figures(b.Context(), end.AddDate(0, 0, -84))
		return err
	})
	measured(b, "waiting", func() error {
		_, _, err := store.New(db).Waiting(b.Context())
		return err
	})
	for _, sort := range exceptions.Sorts() {
		measured(b, "exceptions/"+string(sort), func() error {
			_, _, err := exceptions.New(db, nil, nil, quiet).List(b.Context(), sort, exceptions.Place{})
			return err
		})
	}
	measured(b, "overlay", func() error {
		sequence, found, err := db.Exceptions(b.Context())
		if err != nil {
			return err
		}
		return policy.WriteOverlay(filepath.Join(b.TempDir(), "overlay.json"), policy.NewOverlay(sequence, found))
	})
	measured(b, "verify", func() error {
		_, err := audit.VerifyDatabase(b.Context(), db, audit.NewChecker(nil))
		return err
	})
}
