package accounts

import (
	"context"
	"strings"

	"github.com/recourse-dns/recourse/policy/store"
)

// recoveryCodes is how many an account gets.
const recoveryCodes = 10

// speak gives the one form of a code that is spoken or typed: what looks alike is one character.
func speak(code string) string {
	code = strings.ToUpper(code[:min(len(code), 40)])
	return strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(code)
}

func (o *Office) recoveryHash(id ID, code string) []byte {
	return o.keys.mac(recovering, string(id), speak(code))
}

// newCodes gives an account new recovery codes in place of the old ones.
func (o *Office) newCodes(ctx context.Context, tx *store.Tx, id ID) ([]string, error) {
	if _, err := tx.ExecContext(ctx, `DELETE FROM account_recovery WHERE account = ?`, string(id)); err != nil {
		return nil, err
	}
	codes := make([]string, recoveryCodes)
	for i := range codes {
		codes[i] = grouped(3) // 60 bits
		if _, err := tx.ExecContext(ctx, `INSERT INTO account_recovery (account, hash) VALUES (?, ?)`, string(id), o.recoveryHash(id, codes[i])); err != nil {
			return nil, err
		}
	}
	return codes, nil
}
