package console

import (
	"context"
	"fmt"
	"net/http"

	"github.com/recourse-dns/recourse/redress/accounts"
)

// Accounts are who may sign in. To let somebody in, or keep somebody out, takes the machine (recourse accounts): who took
// over an operator's browser shall not make himself another account.
type Accounts interface {
	List(ctx context.Context) ([]*accounts.Account, error)
	// Sessions are those that are open, of all accounts where id is empty.
	Sessions(ctx context.Context, id accounts.ID) ([]accounts.Session, error)
	// Names tells what accounts are called whose ids stand in events.
	Names(ctx context.Context) (map[accounts.ID]string, error)
}

type accountsContent struct {
	Table table
}

// accountList is every account, and how it stands.
func (v *visit) accountList() {
	all, err := v.People.List(v.r.Context())
	if err != nil {
		v.fail(err)
		return
	}
	open, err := v.People.Sessions(v.r.Context(), "")
	if err != nil {
		v.fail(err)
		return
	}
	count := map[accounts.ID]int{}
	for i := range open {
		count[open[i].Account]++
	}
	content := accountsContent{Table: table{
		Caption: "Who may sign in, by name", Empty: "There is no account.",
		Columns: []string{"Name", "Role", "State", "Signs in with", "Last sign-in", "Open sessions", "Made", "Number"},
	}}
	for _, one := range all {
		content.Table.add(text(one.Name), accountRole(one), accountState(one), text(means(one)), moment(one.Used), number(count[one.ID]), moment(one.Made), code(string(one.ID)))
	}
	v.show(http.StatusOK, "accounts", "Accounts", &content)
}

func accountRole(one *accounts.Account) cell {
	role := text(words("role", one.Role))
	if one.Authority != "" {
		role.Text += " of " + one.Authority
	}
	if one.Cleared {
		role.Text += ", cleared for secret lists"
	}
	return role
}

func accountState(one *accounts.Account) cell {
	switch {
	case !one.Ready():
		return bad("has not signed in yet, or was reset: needs its link")
	case one.Used.IsZero():
		return text("ready, never signed in")
	}
	return text("in use")
}

// means is what an account shows that it is who it says.
func means(one *accounts.Account) string {
	switch {
	case one.Issuer != "":
		return "the provider " + one.Issuer
	case one.Passkeys == 1 && !one.Password:
		return "1 passkey"
	case one.Passkeys > 0 && !one.Password:
		return fmt.Sprintf("%d passkeys", one.Passkeys)
	case one.Passkeys > 0:
		return fmt.Sprintf("%d passkeys, password and code", one.Passkeys)
	case one.Password && one.SecondFactor:
		return "password and code"
	}
	return "nothing yet"
}

// names are what accounts are called; none where it cannot be read, as a page is of use without.
func (v *visit) names() map[accounts.ID]string {
	names, err := v.People.Names(v.r.Context())
	if err != nil {
		return nil
	}
	return names
}

// by is who did a thing, as colleagues know them, or as the event has it.
func by(actor string, names map[accounts.ID]string) cell {
	if name, known := names[accounts.ID(actor)]; known {
		return text(name)
	}
	return text(actor)
}
