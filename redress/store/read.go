package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	policystore "github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// columns are in the order of scanCase.
const columns = `c.id, c.confidential, c.hidden, c.list, c.entry, c.scope, c.order_ref, c.code, c.purpose,
	c.implementation, c.implementation_until, c.implementation_left, c.implementation_final, c.merits, c.merits_until, c.merits_left, c.merits_final,
	f.id, f.name, f.role, f.language, f.at, f.token, f.challenge, f.verified_at, f.method, f.recovery`

// Case reads a case with its events, texts and links.
func (s *Store) Case(ctx context.Context, id redress.CaseID) (*redress.Case, error) {
	var found *redress.Case
	err := s.db.View(ctx, func(view *policystore.View) error {
		cases, err := filingOf(ctx, view, id)
		if err != nil {
			return err
		}
		found = cases[0]
		for _, other := range cases[1:] {
			if !other.Hidden {
				found.Linked = append(found.Linked, other.ID)
			}
		}
		if found.Elsewhere, err = elsewhere(ctx, view, found.Filing.ID); err != nil {
			return err
		}
		return complete(ctx, view, found)
	})
	if err != nil {
		return nil, fmt.Errorf("read case: %w", err)
	}
	return found, nil
}

// filingOf reads all cases of the filing to which a case belongs, that case first.
func filingOf(ctx context.Context, from policystore.Querier, id redress.CaseID) ([]*redress.Case, error) {
	cases, err := casesOf(ctx, from, `WHERE c.filing = (SELECT filing FROM cases WHERE id = ?) ORDER BY c.id <> ?, c.position`, string(id), string(id))
	if err != nil {
		return nil, err
	}
	if len(cases) == 0 {
		return nil, redress.ErrNotFound
	}
	return cases, nil
}

const casesQuery = `SELECT ` + columns + ` FROM cases c JOIN filings f ON f.id = c.filing `

// casesOf reads the cases that the end of the query asks for.
func casesOf(ctx context.Context, from policystore.Querier, end string, args ...any) ([]*redress.Case, error) {
	var cases []*redress.Case
	err := policystore.Each(ctx, from, func(rows *sql.Rows) error {
		one, err := scanCase(rows)
		cases = append(cases, one)
		return err
	}, casesQuery+end, args...)
	return cases, err
}

func scanCase(rows *sql.Rows) (*redress.Case, error) {
	var (
		one                                      redress.Case
		list, entry, scope, order, code, purpose sql.NullString
		implementation, merits, verified         sql.NullInt64
		name                                     string
		at, implementationLeft, meritsLeft       int64
		token, recovery                          []byte
	)
	filing := &one.Filing
	err := rows.Scan(&one.ID, &one.Confidential, &one.Hidden, &list, &entry, &scope, &order, &code, &purpose,
		&one.Implementation.State, &implementation, &implementationLeft, &one.Implementation.Final, &one.Merits.State, &merits, &meritsLeft, &one.Merits.Final,
		&filing.ID, &name, &filing.Role, &filing.Language, &at, &token, &filing.Challenge, &verified, &filing.Method, &recovery)
	if err != nil {
		return nil, err
	}
	one.Implementation.Deadline, one.Merits.Deadline, filing.Verified = timeOf(implementation), timeOf(merits), timeOf(verified)
	one.Implementation.Left, one.Merits.Left = time.Duration(implementationLeft)*time.Microsecond, time.Duration(meritsLeft)*time.Microsecond
	copy(filing.Recovery[:], recovery)
	filing.At = timeOf(sql.NullInt64{Int64: at, Valid: true})
	if copy(filing.Token[:], token) != len(filing.Token) {
		return nil, fmt.Errorf("case %s: token hash of %d octets", one.ID, len(token))
	}
	if filing.Name, err = wire.ParseName(name); err != nil {
		return nil, fmt.Errorf("case %s: %w", one.ID, err)
	}
	if list.Valid {
		if one.Entry, err = readEntry(list.String, entry.String, scope.String, order.String, code.String, purpose.String); err != nil {
			return nil, fmt.Errorf("case %s: %w", one.ID, err)
		}
	}
	return &one, nil
}

func readEntry(list, name, scope, order, code, purpose string) (*redress.Entry, error) {
	entry := &redress.Entry{List: blocklists.ListID(list), Order: order}
	var err error
	if entry.Name, err = wire.ParseName(name); err != nil {
		return nil, err
	}
	if entry.Code, err = parseCode(code); err != nil {
		return nil, err
	}
	if err := entry.Scope.UnmarshalText([]byte(scope)); err != nil {
		return nil, err
	}
	return entry, entry.Purpose.UnmarshalText([]byte(purpose))
}
