package accounts_test

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/accounts"
	"github.com/recourse-dns/recourse/redress/accounts/accountstest"
)

// dump is all that tables hold.
func dump(t *testing.T, database *store.DB, tables ...string) string {
	t.Helper()
	var text strings.Builder
	for _, table := range tables {
		err := store.Each(t.Context(), database, func(rows *sql.Rows) error {
			columns, err := rows.Columns()
			if err != nil {
				return err
			}
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				return err
			}
			for _, value := range values {
				fmt.Fprintf(&text, "%s\n", value)
			}
			return nil
		}, "SELECT * FROM "+table)
		if err != nil {
			t.Fatal(err)
		}
	}
	return text.String()
}

// Whether there is an account, and what of it was right, costs the same: one hash, and the same answer.
func TestRefusalsCostTheSame(t *testing.T) {
	desk := accountstest.New(t)
	anna := settle(t, desk, "anna", redress.Reviewer)
	if _, _, err := desk.Office.Add(t.Context(), machine, accounts.Making{Name: "invited", Role: redress.Reviewer}); err != nil {
		t.Fatal(err)
	}
	count := accounts.CountHashes(desk.Office)
	for about, attempt := range map[string]accounts.Attempt{
		"nobody":                    {Name: "nobody", Password: goodPassword, Code: "123456"},
		"no name at all":            {Name: "", Password: goodPassword, Code: "123456"},
		"a name that cannot be":     {Name: "a b", Password: goodPassword, Code: "123456"},
		"an account not yet used":   {Name: "invited", Password: goodPassword, Code: "123456"},
		"another password":          {Name: "anna", Password: "another one", Code: "123456"},
		"another password, no code": {Name: "anna", Password: "another one"},
		"the password, no code":     {Name: "anna", Password: goodPassword},
		"the code, no password":     {Name: "anna", Code: anna.code(t)},
	} {
		before := count.Load()
		attempt.Network = home
		_, err := desk.Office.ByPassword(t.Context(), &attempt)
		if !errors.Is(err, accounts.ErrRefused) || err.Error() != accounts.ErrRefused.Error() {
			t.Errorf("%s: %v", about, err)
		}
		if made := count.Load() - before; made != 1 {
			t.Errorf("%s: %d hashes", about, made)
		}
	}
}

// Parameters that were raised reach a password at its next use.
func TestPasswordIsUpgraded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk := accountstest.New(t)
		anna := settle(t, desk, "anna", redress.Reviewer)
		accounts.SetCost(desk.Office, accounts.Cost{Memory: 128, Passes: 2, Lanes: 1})
		if _, err := anna.attempt(t, "another one", anna.nextCode(t), home, ""); !errors.Is(err, accounts.ErrRefused) {
			t.Fatal(err)
		}
		if strings.Contains(dump(t, desk.Database, "accounts"), "m=128,t=2,p=1") {
			t.Error("upgraded by another password")
		}
		for range 2 {
			if _, err := anna.attempt(t, goodPassword, anna.nextCode(t), home, ""); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(dump(t, desk.Database, "accounts"), "m=128,t=2,p=1") {
				t.Error("not upgraded")
			}
		}
	})
}

func TestCheckPassword(t *testing.T) {
	for _, password := range []string{"", "short", "aaaaaaaaaaaaaa", "password12", "Passwort123", "1234567890", "anna-anna-1", strings.Repeat("ab cd", 60), "\xff\xfe1234567890abcdef"} {
		if accounts.CheckPassword("anna", password) == nil {
			t.Errorf("%.20q is taken", password)
		}
	}
	for _, password := range []string{goodPassword, "zehn ist gut genug", "ÄÖÜäöüß€xy", "my password is long enough to be one"} {
		if err := accounts.CheckPassword("anna", password); err != nil {
			t.Errorf("%q: %v", password, err)
		}
	}
}
