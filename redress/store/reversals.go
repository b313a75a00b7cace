package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	policystore "github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
)

// decidedOf are the decisions on cases of a list that is not secret, in the order of the log.
const decidedOf = ` FROM cases c JOIN events e ON e.case_id = c.id JOIN filings f ON f.id = c.filing
	WHERE c.list = ? AND c.confidential = 0 AND e.kind IN ('decided', 'authority_decided', 'external')`

// Reversals are the decisions behind an event that lifted something of a list, with their reasons.
func (s *Store) Reversals(ctx context.Context, list blocklists.ListID, after int64, limit int) ([]redress.Reversal, error) {
	var found []redress.Reversal
	err := s.db.View(ctx, func(view *policystore.View) error {
		type reasons struct {
			filing  redress.FilingID
			content redress.Content
		}
		var all []reasons
		err := policystore.Each(ctx, view, func(rows *sql.Rows) error {
			var (
				one       redress.Reversal
				of        reasons
				content   []byte
				filed, at int64
			)
			if err := rows.Scan(&one.Sequence, &at, &content, &one.Code, &one.Name, &one.Scope, &of.filing, &filed); err != nil {
				return err
			}
			if err := json.Unmarshal(content, &of.content); err != nil {
				return fmt.Errorf("event %d: %w", one.Sequence, err)
			}
			if of.content.Outcome == redress.Uphold || of.content.Outcome == "" || len(found) == limit {
				return nil
			}
			one.Question, one.Outcome, one.NarrowTo, one.Except = of.content.Question, of.content.Outcome, of.content.NarrowTo, of.content.Except
			one.Filed, one.Decided = time.UnixMicro(filed).UTC(), time.UnixMicro(at).UTC()
			found, all = append(found, one), append(all, of)
			return nil
		}, `SELECT e.sequence, e.at, e.content, c.code, c.entry, c.scope, f.id, f.at`+decidedOf+` AND e.sequence > ? ORDER BY e.sequence`, string(list), after)
		if err != nil {
			return err
		}
		for i := range found {
			texts, err := textsOf(ctx, view, all[i].filing)
			if err != nil {
				return err
			}
			one := redress.Case{Texts: texts}
			event := redress.Event{Content: all[i].content}
			found[i].Facts, found[i].Ground = one.Text(event, redress.Facts), one.Text(event, redress.Ground)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read reversals: %w", err)
	}
	return found, nil
}

// Corrected is how long each reversal against a list since a time took from its filing.
func (s *Store) Corrected(ctx context.Context, list blocklists.ListID, since time.Time) ([]time.Duration, error) {
	var took []time.Duration
	err := policystore.Each(ctx, s.db, func(rows *sql.Rows) error {
		var (
			filed, at int64
			content   []byte
			decision  redress.Content
		)
		if err := rows.Scan(&filed, &at, &content); err != nil {
			return err
		}
		if err := json.Unmarshal(content, &decision); err != nil {
			return err
		}
		if decision.Outcome != redress.Uphold && decision.Outcome != "" {
			took = append(took, time.Duration(at-filed)*time.Microsecond)
		}
		return nil
	}, `SELECT f.at, e.at, e.content`+decidedOf+` AND e.at >= ?`, string(list), since.UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("read reversals: %w", err)
	}
	return took, nil
}
