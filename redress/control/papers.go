package control

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	cases "github.com/recourse-dns/recourse/redress/store"
)

// Bounds of papers.
const (
	MaxPaper  = 5 << 20 // octets
	MaxPapers = 3       // of a filing
	paperLife = 30 * 24 * time.Hour
)

// Why a paper is not taken or given.
var (
	ErrPaperSize  = errors.New("the document is empty or larger than 5 MiB")
	ErrManyPapers = errors.New("the case has as many documents as it may")
	ErrNoPaper    = errors.New("no such document, or it has been erased")
)

// Paper is a document that a party sent, without what is in it.
type Paper struct {
	ID   string    `json:"id"`
	Kind string    `json:"kind"` // what it seems to be: a guess by its first octets
	Size int       `json:"size"`
	At   time.Time `json:"at"`
	// SeenBy is the person who first downloaded it.
	SeenBy string    `json:"seen_by,omitempty"`
	SeenAt time.Time `json:"seen_at,omitzero"`
	// Accepted is nil until a person has decided.
	Accepted  *bool     `json:"accepted,omitempty"`
	DecidedBy string    `json:"decided_by,omitempty"`
	DecidedAt time.Time `json:"decided_at,omitzero"`
	Erased    bool      `json:"erased"`
}

// What happens to papers, in the log of events.
const (
	PaperReceived redress.EventKind = "document_received"
	PaperSeen     redress.EventKind = "document_seen"
	PaperRefused  redress.EventKind = "document_refused"
)

// note adds to the log of a case's events.
func note(ctx context.Context, tx *store.Tx, id redress.CaseID, kind redress.EventKind, by redress.Actor) error {
	at := time.Now().UTC().Truncate(time.Millisecond)
	return cases.Append(ctx, tx, redress.Event{Case: id, At: at, Kind: kind, Actor: by, Content: redress.Content{Method: string(redress.ByDocument)}})
}

// Desk is where proofs end up.
type Desk interface {
	// Show opens a case for who has its token.
	Show(ctx context.Context, id redress.CaseID, token string) (redress.Status, error)
	// Proved notes who says so that control of the name is proved.
	Proved(ctx context.Context, id redress.CaseID, method redress.Method, by redress.Actor) error
}

// Papers keeps documents until a person has decided on them. It implements redress.Prover.
type Papers struct {
	db   *store.DB
	seal *Seal
}

// NewPapers keeps documents sealed.
func NewPapers(db *store.DB, seal *Seal) *Papers { return &Papers{db: db, seal: seal} }

// Prove says how far the look at a filing's papers is. It proves nothing by itself.
func (p *Papers) Prove(ctx context.Context, claim redress.Claim) (redress.Proof, error) {
	papers, err := p.Of(ctx, claim.Case)
	if err != nil {
		return redress.Proof{}, err
	}
	if len(papers) == 0 {
		return redress.Proof{Flaw: redress.FlawNoDocument, Detail: "Send a document first: an extract of the registry, an invoice for the name, or a power of attorney."}, nil
	}
	return redress.Proof{Flaw: redress.FlawReceived, Detail: "Your document is here. A person will look at it; nothing else is needed from you."}, nil
}

// Add takes a paper of who has the case's token.
func (p *Papers) Add(ctx context.Context, desk Desk, id redress.CaseID, token string, content []byte) (Paper, error) {
	if _, err := desk.Show(ctx, id, token); err != nil {
		return Paper{}, err
	}
	if len(content) == 0 || len(content) > MaxPaper {
		return Paper{}, ErrPaperSize
	}
	paper := Paper{ID: "D-" + strings.ToUpper(rand.Text()[:16]), Kind: http.DetectContentType(content), Size: len(content), At: time.Now().UTC()}
	sealed := p.seal.Close(content, placeOf(paper.ID))
	err := p.db.Tx(ctx, func(tx *store.Tx) error {
		var has int
		err := tx.QueryRowContext(ctx, `SELECT count(*) FROM proof_documents WHERE filing = (SELECT filing FROM cases WHERE id = ?)`, string(id)).Scan(&has)
		if err != nil {
			return err
		}
		if has >= MaxPapers {
			return ErrManyPapers
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO proof_documents (id, filing, case_id, kind, size, content, at) SELECT ?, filing, id, ?, ?, ?, ? FROM cases WHERE id = ?`,
			paper.ID, paper.Kind, paper.Size, sealed, paper.At.UnixMicro(), string(id))
		if err != nil {
			return err
		}
		return note(ctx, tx, id, PaperReceived, redress.Actor{Name: "party", Role: redress.Party})
	})
	if err != nil {
		return Paper{}, fmt.Errorf("add document: %w", err)
	}
	return paper, nil
}

func placeOf(id string) string { return "document/" + id }

// Of are the papers of a case's filing, the oldest first.
func (p *Papers) Of(ctx context.Context, id redress.CaseID) ([]Paper, error) {
	var papers []Paper
	err := store.Each(ctx, p.db, func(rows *sql.Rows) error {
		one, err := scanPaper(rows)
		papers = append(papers, one)
		return err
	}, `SELECT id, kind, size, at, seen_by, seen_at, accepted, decided_by, decided_at, content IS NULL FROM proof_documents
		WHERE filing = (SELECT filing FROM cases WHERE id = ?) ORDER BY at, id`, string(id))
	if err != nil {
		return nil, fmt.Errorf("read documents: %w", err)
	}
	return papers, nil
}

func scanPaper(rows *sql.Rows) (Paper, error) {
	var (
		one           Paper
		at            int64
		seen, decided sql.NullInt64
		accepted      sql.NullInt64
	)
	err := rows.Scan(&one.ID, &one.Kind, &one.Size, &at, &one.SeenBy, &seen, &accepted, &one.DecidedBy, &decided, &one.Erased)
	one.At = time.UnixMicro(at).UTC()
	if seen.Valid {
		one.SeenAt = time.UnixMicro(seen.Int64).UTC()
	}
	if decided.Valid {
		one.DecidedAt = time.UnixMicro(decided.Int64).UTC()
	}
	if accepted.Valid {
		yes := accepted.Int64 != 0
		one.Accepted = &yes
	}
	return one, err
}

// Read gives a reviewer what is in a paper of a case, and notes who saw it. It is for a
// download and never for a page.
func (p *Papers) Read(ctx context.Context, actor redress.Actor, id redress.CaseID, paper string) ([]byte, error) {
	if !actor.May() {
		return nil, redress.ErrNotPermitted
	}
	var sealed []byte
	err := p.db.Tx(ctx, func(tx *store.Tx) error {
		err := tx.QueryRowContext(ctx, `SELECT content FROM proof_documents WHERE id = ? AND filing = (SELECT filing FROM cases WHERE id = ?)`, paper, string(id)).Scan(&sealed)
		if errors.Is(err, sql.ErrNoRows) || err == nil && sealed == nil {
			return ErrNoPaper
		}
		if err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, `UPDATE proof_documents SET seen_by = ?, seen_at = ? WHERE id = ? AND seen_at IS NULL`, actor.Name, time.Now().UnixMicro(), paper)
		if err != nil {
			return err
		}
		if first, err := result.RowsAffected(); err != nil || first == 0 {
			return err
		}
		return note(ctx, tx, id, PaperSeen, actor)
	})
	if err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	return p.seal.Open(sealed, placeOf(paper))
}

// Decide accepts a paper as a proof of control, or does not, and erases what is in it. Who
// decides must have seen it.
func (p *Papers) Decide(ctx context.Context, desk Desk, actor redress.Actor, id redress.CaseID, paper string, accept bool) error {
	if !actor.May() {
		return redress.ErrNotPermitted
	}
	if accept { // before it is erased: a proof that is not noted can be decided again
		if err := p.mayAccept(ctx, actor, id, paper); err != nil {
			return err
		}
		if err := desk.Proved(ctx, id, redress.ByDocument, actor); err != nil {
			return err
		}
	}
	err := p.db.Tx(ctx, func(tx *store.Tx) error {
		result, err := tx.ExecContext(ctx, `UPDATE proof_documents SET accepted = ?, decided_by = ?, decided_at = ?, content = NULL
			WHERE id = ? AND accepted IS NULL AND seen_at IS NOT NULL AND filing = (SELECT filing FROM cases WHERE id = ?)`,
			numberOf(accept), actor.Name, time.Now().UnixMicro(), paper, string(id))
		if err != nil {
			return err
		}
		if changed, err := result.RowsAffected(); err != nil || changed == 0 {
			return errors.Join(ErrNoPaper, err)
		}
		if accept {
			return nil // the proof is the event
		}
		return note(ctx, tx, id, PaperRefused, actor)
	})
	if err != nil {
		return fmt.Errorf("decide on document: %w", err)
	}
	return nil
}

// mayAccept says whether the actor has a paper before them that is not decided on.
func (p *Papers) mayAccept(ctx context.Context, actor redress.Actor, id redress.CaseID, paper string) error {
	papers, err := p.Of(ctx, id)
	if err != nil {
		return err
	}
	for _, one := range papers {
		if one.ID == paper && one.Accepted == nil && !one.Erased && !one.SeenAt.IsZero() {
			return nil
		}
	}
	return fmt.Errorf("document %q is not there, not seen by %s, or decided on: %w", paper, actor.Name, ErrNoPaper)
}

func numberOf(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// Erase takes out what is in the papers of filings whose contact is gone or whose cases are
// all decided, and in those that are old. It gives how many.
func (p *Papers) Erase(ctx context.Context, now time.Time) (int64, error) {
	var erased int64
	err := p.db.Tx(ctx, func(tx *store.Tx) error {
		result, err := tx.ExecContext(ctx, `UPDATE proof_documents SET content = NULL WHERE content IS NOT NULL AND (at < ?
			OR NOT EXISTS (SELECT 1 FROM cases c WHERE c.filing = proof_documents.filing AND (c.implementation IN ('submitted', 'need_info') OR c.merits IN ('submitted', 'need_info', 'referred'))))`,
			now.Add(-paperLife).UnixMicro())
		if err != nil {
			return err
		}
		erased, err = result.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("erase documents: %w", err)
	}
	return erased, nil
}

// Serve sends what is in a paper as a file to be stored: never shown, whatever it holds.
func Serve(w http.ResponseWriter, id redress.CaseID, content []byte) {
	header := w.Header()
	header.Set("Content-Type", "application/octet-stream")
	header.Set("Content-Disposition", `attachment; filename="document-`+string(id)+`.bin"`)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Length", strconv.Itoa(len(content)))
	_, _ = w.Write(content) // the reader may have gone
}
