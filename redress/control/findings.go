package control

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
)

// Finding is what the last look by a method came to.
type Finding struct {
	Method redress.Method `json:"method"`
	At     time.Time      `json:"at"`
	Flaw   redress.Flaw   `json:"flaw,omitempty"` // empty where it proved control
	Place  string         `json:"place,omitempty"`
	Found  string         `json:"found,omitempty"`
}

// Progress is how far the proof of control of a case is.
type Progress struct {
	Findings []Finding
	// Next is when we look again by ourselves; zero for never.
	Next time.Time
}

// Noted is a prover whose findings are kept.
type Noted struct {
	db    *store.DB
	inner redress.Prover
}

// Note makes a prover of another one that keeps what it finds.
func Note(db *store.DB, inner redress.Prover) *Noted { return &Noted{db: db, inner: inner} }

// Prove implements redress.Prover.
func (n *Noted) Prove(ctx context.Context, claim redress.Claim) (redress.Proof, error) {
	proof, err := n.inner.Prove(ctx, claim)
	if err != nil || claim.Filing == "" {
		return proof, err
	}
	err = n.db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO proof_findings (filing, method, at, flaw, place, found) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (filing, method) DO UPDATE SET at = excluded.at, flaw = excluded.flaw, place = excluded.place, found = excluded.found`,
			string(claim.Filing), string(claim.Method), time.Now().UnixMicro(), string(proof.Flaw), proof.At, proof.Found)
		return err
	})
	if err != nil {
		return proof, fmt.Errorf("note proof: %w", err)
	}
	return proof, nil
}

// ProgressOf is how far the proof of control of a case's filing is. It is for who has opened
// the case.
func ProgressOf(ctx context.Context, db *store.DB, id redress.CaseID) (Progress, error) {
	var progress Progress
	err := db.View(ctx, func(view *store.View) error {
		err := store.Each(ctx, view, func(rows *sql.Rows) error {
			var one Finding
			var at int64
			err := rows.Scan(&one.Method, &at, &one.Flaw, &one.Place, &one.Found)
			one.At = time.UnixMicro(at).UTC()
			progress.Findings = append(progress.Findings, one)
			return err
		}, `SELECT method, at, flaw, place, found FROM proof_findings WHERE filing = (SELECT filing FROM cases WHERE id = ?) ORDER BY at DESC, method`, string(id))
		if err != nil {
			return err
		}
		return store.Each(ctx, view, func(rows *sql.Rows) error {
			var next int64
			err := rows.Scan(&next)
			progress.Next = time.UnixMicro(next).UTC()
			return err
		}, `SELECT next_at FROM proof_checks WHERE filing = (SELECT filing FROM cases WHERE id = ?)`, string(id))
	})
	if err != nil {
		return Progress{}, fmt.Errorf("read proof: %w", err)
	}
	return progress, nil
}
