package accounts_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/accounts"
	"github.com/recourse-dns/recourse/redress/accounts/accountstest"
)

func goodKey(t *testing.T) *accountstest.Key {
	t.Helper()
	return accountstest.NewKey(t, accountstest.Origin, "desk.example")
}

// settleKey is settle for somebody with a passkey alone.
func settleKey(t *testing.T, desk *accountstest.Desk, name string, key *accountstest.Key) *accounts.Admission {
	t.Helper()
	_, link, err := desk.Office.Add(t.Context(), machine, accounts.Making{Name: name, Role: redress.Reviewer})
	if err != nil {
		t.Fatal(err)
	}
	admission, err := acceptKey(t, desk, link.Token, "", key)
	if err != nil {
		t.Fatal(err)
	}
	return admission
}

func acceptKey(t *testing.T, desk *accountstest.Desk, word, name string, key *accountstest.Key) (*accounts.Admission, error) {
	t.Helper()
	ceremony, err := desk.Office.BeginAccept(t.Context(), word, name, home)
	if err != nil {
		return nil, err
	}
	return desk.Office.FinishAccept(t.Context(), word, name, home, &accounts.Answer{State: ceremony.State, Response: key.Make(t, ceremony.Options), Label: "My key"})
}

func showKey(t *testing.T, desk *accountstest.Desk, key *accountstest.Key) (*accounts.Admission, error) {
	t.Helper()
	ceremony, err := desk.Office.BeginSignIn()
	if err != nil {
		t.Fatal(err)
	}
	return desk.Office.ByPasskey(t.Context(), home, &accounts.Answer{State: ceremony.State, Response: key.Show(t, ceremony.Options)})
}

func TestByPasskey(t *testing.T) {
	desk := accountstest.New(t)
	key := goodKey(t)
	settleKey(t, desk, "anna", key)
	for range 2 {
		key.Counter++
		got, err := showKey(t, desk, key)
		if err != nil {
			t.Fatal(err)
		}
		if who, err := desk.Office.Identify(t.Context(), got.Session); err != nil || who.Name != "anna" || who.Method != accounts.ByPasskey {
			t.Error(who, err)
		}
	}
	if _, err := desk.Office.ByPassword(t.Context(), &accounts.Attempt{Name: "anna", Network: home}); !errors.Is(err, accounts.ErrRefused) {
		t.Errorf("an account without a password lets in by one: %v", err)
	}
}

func TestClaimByPasskey(t *testing.T) {
	desk := accountstest.New(t)
	link, err := desk.Office.Claim(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	key := goodKey(t)
	got, err := acceptKey(t, desk, link.Token, "parent", key)
	if err != nil || got.Account.Role != redress.Operator {
		t.Fatal(got, err)
	}
	key.Counter++
	if again, err := showKey(t, desk, key); err != nil || again.Account.ID != got.Account.ID {
		t.Error(again, err)
	}
	if _, err := acceptKey(t, desk, link.Token, "other", goodKey(t)); !errors.Is(err, accounts.ErrWord) {
		t.Errorf("claimed twice: %v", err)
	}
}

// What a browser or a key must not be believed.
func TestPasskeyRefuses(t *testing.T) {
	for about, lie := range map[string]func(*accountstest.Key){
		"another origin":        func(key *accountstest.Key) { key.Origin = "https://desk.example.evil.example" },
		"the same over http":    func(key *accountstest.Key) { key.Origin = "http://desk.example" },
		"another port":          func(key *accountstest.Key) { key.Origin = "https://desk.example:8443" },
		"a name below":          func(key *accountstest.Key) { key.Origin = "https://x.desk.example" },
		"another relying party": func(key *accountstest.Key) { key.RP = "evil.example" },
		"an owner not known":    func(key *accountstest.Key) { key.Unverified = true },
	} {
		desk := accountstest.New(t)
		_, link, err := desk.Office.Add(t.Context(), machine, accounts.Making{Name: "anna", Role: redress.Reviewer})
		if err != nil {
			t.Fatal(err)
		}
		bad := goodKey(t)
		lie(bad)
		if _, err := acceptKey(t, desk, link.Token, "", bad); !errors.Is(err, accounts.ErrPasskey) {
			t.Errorf("%s: made: %v", about, err)
		}
		key := goodKey(t)
		if _, err := acceptKey(t, desk, link.Token, "", key); err != nil {
			t.Fatal(about, err)
		}
		key.Counter++
		lie(key)
		if _, err := showKey(t, desk, key); !errors.Is(err, accounts.ErrPasskey) {
			t.Errorf("%s: let in: %v", about, err)
		}
	}
}

func TestPasskeyCounterGoesBack(t *testing.T) {
	desk := accountstest.New(t)
	key := goodKey(t)
	key.Counter = 7
	settleKey(t, desk, "anna", key)
	for _, counter := range []uint32{7, 3, 0} {
		key.Counter = counter
		if _, err := showKey(t, desk, key); !errors.Is(err, accounts.ErrPasskey) {
			t.Errorf("counter %d after 7: %v", counter, err)
		}
	}
	events := desk.Log.Events()
	if last, is := events[len(events)-1].Facts.(accounts.Facts); !is || last.What != "passkey refused: its counter went back" {
		t.Errorf("%+v", events[len(events)-1])
	}
	key.Counter = 8
	if _, err := showKey(t, desk, key); err != nil {
		t.Error(err)
	}
}

func TestPasskeyIsNotReplayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk := accountstest.New(t)
		key := goodKey(t)
		key.Counter = 0 // as those of telephones, which do not count
		settleKey(t, desk, "anna", key)
		ceremony, err := desk.Office.BeginSignIn()
		if err != nil {
			t.Fatal(err)
		}
		other, err := desk.Office.BeginSignIn()
		if err != nil {
			t.Fatal(err)
		}
		response := key.Show(t, ceremony.Options)
		send := func(state string) error {
			_, err := desk.Office.ByPasskey(t.Context(), home, &accounts.Answer{State: state, Response: response})
			return err
		}
		if err := send(ceremony.State); err != nil {
			t.Fatal(err)
		}
		if err := send(ceremony.State); !errors.Is(err, accounts.ErrPasskey) {
			t.Errorf("replayed: %v", err)
		}
		if err := send(other.State); !errors.Is(err, accounts.ErrPasskey) {
			t.Errorf("with another challenge: %v", err)
		}
		if err := send(ceremony.State[:len(ceremony.State)-3] + "AAA"); !errors.Is(err, accounts.ErrPasskey) {
			t.Errorf("with a changed state: %v", err)
		}
		late, err := desk.Office.BeginSignIn()
		if err != nil {
			t.Fatal(err)
		}
		response = key.Show(t, late.Options)
		time.Sleep(5*time.Minute + time.Second)
		if err := send(late.State); !errors.Is(err, accounts.ErrPasskey) {
			t.Errorf("after its time: %v", err)
		}
	})
}

func TestOwnPasskeys(t *testing.T) {
	desk := accountstest.New(t)
	first, second := goodKey(t), goodKey(t)
	admission := settleKey(t, desk, "anna", first)
	session := admission.Session
	who := func() accounts.Identity {
		who, err := desk.Office.Identify(t.Context(), session)
		if err != nil {
			t.Fatal(err)
		}
		return who
	}
	keys, err := desk.Office.PasskeysOf(t.Context(), admission.Account.ID)
	if err != nil || len(keys) != 1 || keys[0].Label != "My key" {
		t.Fatal(keys, err)
	}
	if _, err := desk.Office.RemovePasskey(t.Context(), who(), session, keys[0].ID); !errors.Is(err, accounts.ErrLast) {
		t.Errorf("the last one goes: %v", err)
	}
	ceremony, err := desk.Office.BeginAdd(t.Context(), who())
	if err != nil {
		t.Fatal(err)
	}
	added, err := desk.Office.FinishAdd(t.Context(), who(), &accounts.Answer{State: ceremony.State, Response: second.Make(t, ceremony.Options), Label: "\x00Other\nkey", Before: session})
	if err != nil {
		t.Fatal(err)
	}
	session = added.Session
	removed, err := desk.Office.RemovePasskey(t.Context(), who(), session, keys[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	session = removed.Session
	first.Counter++
	if _, err := showKey(t, desk, first); !errors.Is(err, accounts.ErrPasskey) {
		t.Errorf("a removed key lets in: %v", err)
	}
	// Another account's key is not one's own to remove.
	ben := settleKey(t, desk, "ben", goodKey(t))
	bens, err := desk.Office.PasskeysOf(t.Context(), ben.Account.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := desk.Office.RemovePasskey(t.Context(), who(), session, bens[0].ID); !errors.Is(err, accounts.ErrPasskey) {
		t.Error(err)
	}
}
