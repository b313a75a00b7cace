package accounts

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
)

// linkTerm is how long the word for a first sign-in works; it goes by mail or on paper.
const linkTerm = 48 * time.Hour

// Link is a word that works once: it lets a person choose what to sign in with.
type Link struct {
	Token string
	Ends  time.Time
}

func newLink(ctx context.Context, tx *store.Tx, account ID, term time.Duration) (Link, error) {
	link := Link{Token: newToken(), Ends: now().Add(term)}
	hash := sha256.Sum256([]byte(link.Token))
	if _, err := tx.ExecContext(ctx, `DELETE FROM account_links WHERE account = ? OR ends_at < ?`, string(account), now().UnixMicro()); err != nil {
		return Link{}, err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO account_links (hash, account, ends_at) VALUES (?, ?, ?)`, hash[:], string(account), link.Ends.UnixMicro())
	return link, err
}

// newToken is 256 random bits as a cookie or an address has them.
func newToken() string { return base64.RawURLEncoding.EncodeToString(random(32)) }
