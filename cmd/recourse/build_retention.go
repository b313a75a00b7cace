package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/recourse-dns/recourse/policy/store"
	cases "github.com/recourse-dns/recourse/redress/store"
)

// Retention is how long personal data stays.
type Retention struct {
	// Contacts is how long contacts, explanations and what came with them stay after the time for
	// an appeal, or after the case has ended where there is none.
	Contacts time.Duration `yaml:"contacts"`
}

const (
	// contactsKept is how long it is where the file does not say.
	contactsKept = 30 * 24 * time.Hour
	// contactsMost is from when on check asks whether that is meant.
	contactsMost = 366 * 24 * time.Hour

	retentionEvery = 24 * time.Hour
	// retentionRetry is how soon what failed is tried again.
	retentionRetry = time.Minute
)

func (c *Config) checkRetention() {
	switch keep := c.Desk.Retention.Contacts; {
	case keep < 0:
		c.report.problem("desk.retention.contacts", "must not be negative")
	case keep > contactsMost:
		c.report.warn("desk.retention.contacts", "keeps contacts for more than a year after nothing can be done with them any more; the default is 30d")
	}
}

// retention erases personal data on time, and seals what is there with the key of now.
type retention struct {
	cases  *cases.Store
	keep   func() time.Duration
	logger *slog.Logger

	filings, texts, sealed, failures prometheus.Counter
}

// startRetention looks after personal data at the start, and once a day.
func (n *node) startRetention(database *store.DB, counts *metrics) {
	count := func(name, help string) prometheus.Counter {
		made := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		counts.registry.MustRegister(made)
		return made
	}
	keep := n.config.Desk.Retention.Contacts
	made := &retention{
		cases: cases.New(database), keep: func() time.Duration { return keep }, logger: n.logger,
		filings:  count("recourse_erased_filings_total", "Filings of which personal texts were erased on time."),
		texts:    count("recourse_erased_texts_total", "Personal texts that were erased on time."),
		sealed:   count("recourse_resealed_texts_total", "Personal texts that were sealed anew with a new key."),
		failures: count("recourse_retention_failures_total", "Times that personal data could not be looked after."),
	}
	n.alone(made.run)
}

func (r *retention) run(ctx context.Context) {
	for ctx.Err() == nil {
		wait := retentionEvery
		if err := r.once(ctx, time.Now()); err != nil && ctx.Err() == nil {
			r.failures.Inc()
			r.logger.Error("personal data cannot be looked after; it is tried again", "error", err)
			wait = retentionRetry
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// once erases first: what is gone need not be sealed.
func (r *retention) once(ctx context.Context, now time.Time) error {
	erased, err := r.cases.Erase(ctx, r.keep(), now)
	r.filings.Add(float64(erased.Filings))
	r.texts.Add(float64(erased.Texts))
	if err != nil {
		return err
	}
	sealed, err := r.cases.Reseal(ctx)
	r.sealed.Add(float64(sealed))
	if erased.Texts > 0 || sealed > 0 {
		r.logger.Info("personal data was looked after", "filings", erased.Filings, "erased", erased.Texts, "sealed", sealed)
	}
	return err
}
