package control

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/notify"
)

// Contacts finds the mailboxes that a registry knows for a name.
type Contacts interface {
	Contacts(ctx context.Context, name string) ([]string, error)
}

// Letters writes what is sent to a mailbox of a name.
type Letters interface {
	// Code is the message with a code: its subject and texts, without recipient and key.
	Code(language, name, id, code string, until time.Time) notify.Message
}

// Bounds of codes.
const (
	codeLife     = 48 * time.Hour
	perFiling    = 3 // sendings
	perNameDaily = 6 // sendings for one name, whoever files
)

// Codes proves control by a code that was sent to mailboxes of the name. It implements
// redress.Prover.
type Codes struct {
	db       *store.DB
	contacts Contacts
	letters  Letters
	logger   *slog.Logger
}

// NewCodes makes a prover. Contacts may be nil: then the role mailboxes alone get codes.
func NewCodes(db *store.DB, contacts Contacts, letters Letters, logger *slog.Logger) *Codes {
	return &Codes{db: db, contacts: contacts, letters: letters, logger: logger}
}

// Prove takes the claim's code, or sends one where there is none.
func (c *Codes) Prove(ctx context.Context, claim redress.Claim) (redress.Proof, error) {
	if code := strings.ToLower(strings.TrimSpace(claim.Code)); code != "" {
		return c.redeem(ctx, claim, code)
	}
	to := c.mailboxes(ctx, claim.Name.String())
	sent, err := c.send(ctx, claim, to)
	switch {
	case err != nil:
		return redress.Proof{}, err
	case !sent:
		return redress.Proof{Flaw: redress.FlawManyCodes, Detail: "Enough codes were sent for this name for now. Look into the mailboxes of the name, and try again tomorrow."}, nil
	}
	shown := strings.Join(roleMailboxes(claim.Name.String()), ", ")
	return redress.Proof{Flaw: redress.FlawSent, At: shown, Detail: "A code is on its way to " + shown + " and to the contacts that the registry names. Enter it here within two days."}, nil
}

// redeem uses a code up. It proves control for its own filing only.
func (c *Codes) redeem(ctx context.Context, claim redress.Claim, code string) (redress.Proof, error) {
	used := false
	hash := redress.HashToken(code)
	err := c.db.Tx(ctx, func(tx *store.Tx) error {
		now := time.Now().UnixMicro()
		result, err := tx.ExecContext(ctx, `UPDATE proof_codes SET used_at = ? WHERE hash = ? AND filing = ? AND used_at IS NULL AND until_at > ?`, now, hash[:], string(claim.Filing), now)
		if err != nil {
			return err
		}
		changed, err := result.RowsAffected()
		used = changed == 1
		return err
	})
	if err != nil {
		return redress.Proof{}, fmt.Errorf("redeem code: %w", err)
	}
	if !used {
		return redress.Proof{Flaw: redress.FlawWrongCode, Detail: "This code is not right, was used before, or is older than two days. Copy all of it from the newest mail."}, nil
	}
	return redress.Proof{Verified: true, Detail: "The code is right."}, nil
}

// send writes the mails into the outbox, unless enough were sent.
func (c *Codes) send(ctx context.Context, claim redress.Claim, to []string) (sent bool, err error) {
	code, now := strings.ToLower(rand.Text()+rand.Text()[:8]), time.Now()
	hash, until := redress.HashToken(code), now.Add(codeLife)
	err = c.db.Tx(ctx, func(tx *store.Tx) error {
		var filing, daily int
		err := tx.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM proof_codes WHERE filing = ?), (SELECT count(*) FROM proof_codes WHERE name = ? AND sent_at > ?)`,
			string(claim.Filing), claim.Name.String(), now.Add(-24*time.Hour).UnixMicro()).Scan(&filing, &daily)
		if err != nil || filing >= perFiling || daily >= perNameDaily {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO proof_codes (hash, filing, name, sent_at, until_at) VALUES (?, ?, ?, ?, ?)`,
			hash[:], string(claim.Filing), claim.Name.String(), now.UnixMicro(), until.UnixMicro())
		message := c.letters.Code(claim.Language, claim.Name.String(), string(claim.Case), code, until)
		for i, mailbox := range to {
			if err == nil {
				message.To, message.Key = notify.Mail(mailbox), fmt.Sprintf("proof/%s/%d/%d", claim.Filing, filing, i)
				err = notify.Queue(ctx, tx, message)
			}
		}
		sent = err == nil
		return err
	})
	if err != nil {
		return false, fmt.Errorf("send code: %w", err)
	}
	return sent, nil
}

// mailboxes are the role mailboxes of the name, and those that the registry knows. A registry
// that does not answer keeps nobody from the others.
func (c *Codes) mailboxes(ctx context.Context, name string) []string {
	all := roleMailboxes(name)
	if c.contacts == nil {
		return all
	}
	known, err := c.contacts.Contacts(ctx, name)
	if err != nil && !errors.Is(err, context.Canceled) {
		c.logger.Warn("the registry's contacts of a name were not found out; its role mailboxes get the code", "error", err)
	}
	for _, mailbox := range known {
		if !slices.Contains(all, mailbox) {
			all = append(all, mailbox)
		}
	}
	return all
}

// roleMailboxes are those that only who runs a name's mail can have (RFC 2142), of the name
// and of the registrable name above it.
func roleMailboxes(name string) []string {
	names := []string{name}
	if above, err := publicsuffix.EffectiveTLDPlusOne(name); err == nil && above != name {
		names = append(names, above)
	}
	var all []string
	for _, domain := range names {
		for _, role := range []string{"postmaster", "hostmaster", "webmaster"} {
			if mailbox, err := notify.ParseAddress(role + "@" + domain); err == nil {
				all = append(all, mailbox)
			}
		}
	}
	return all
}
