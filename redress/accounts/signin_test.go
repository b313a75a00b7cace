package accounts_test

import (
	"encoding/base32"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/accounts"
	"github.com/recourse-dns/recourse/redress/accounts/accountstest"
)

const goodPassword = "correct horse battery"

var home, away = netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("198.51.100.7")

// person is somebody with an account and a telephone.
type person struct {
	desk   *accountstest.Desk
	name   string
	secret string
	first  *accounts.Admission
}

func (p *person) code(t *testing.T) string {
	t.Helper()
	code, err := totp.GenerateCode(p.secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// nextCode waits for a code that was not used yet; the test is in a bubble.
func (p *person) nextCode(t *testing.T) string {
	t.Helper()
	time.Sleep(31 * time.Second)
	return p.code(t)
}

func settle(t *testing.T, desk *accountstest.Desk, name string, role redress.ActorRole) *person {
	t.Helper()
	_, link, err := desk.Office.Add(t.Context(), machine, accounts.Making{Name: name, Role: role})
	if err != nil {
		t.Fatal(err)
	}
	offer, err := desk.Office.Offer("Example", name, link.Token)
	if err != nil {
		t.Fatal(err)
	}
	p := &person{desk: desk, name: name, secret: offer.Secret}
	p.first, err = desk.Office.Accept(t.Context(), &accounts.Choice{Word: link.Token, Password: goodPassword, Sealed: offer.Sealed, Code: p.code(t), Network: home})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *person) attempt(t *testing.T, password, code string, network netip.Addr, device string) (*accounts.Admission, error) {
	t.Helper()
	return p.desk.Office.ByPassword(t.Context(), &accounts.Attempt{Name: p.name, Password: password, Code: code, Network: network, Device: device})
}

func TestByPassword(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		anna := settle(t, accountstest.New(t), "anna", redress.Reviewer)
		if _, err := anna.attempt(t, goodPassword, anna.code(t), home, ""); !errors.Is(err, accounts.ErrRefused) {
			t.Errorf("the code of the set-up is taken again: %v", err)
		}
		code := anna.nextCode(t)
		for about, try := range map[string][2]string{"another password": {"correct horse batterY", code}, "no code": {goodPassword, ""}, "another code": {goodPassword, "000000"}, "neither": {"", ""}, "a long one": {strings.Repeat("a", 1<<20), code}} {
			if _, err := anna.attempt(t, try[0], try[1], home, ""); !errors.Is(err, accounts.ErrRefused) {
				t.Errorf("%s: %v", about, err)
			}
		}
		got, err := anna.attempt(t, goodPassword, code[:3]+" "+code[3:], home, "")
		if err != nil || got.Left != -1 {
			t.Fatal(got, err)
		}
		if who, err := anna.desk.Office.Identify(t.Context(), got.Session); err != nil || who.Name != "anna" || who.Method != accounts.ByPassword {
			t.Error(who, err)
		}
		if _, err := anna.attempt(t, goodPassword, code, home, ""); !errors.Is(err, accounts.ErrRefused) {
			t.Errorf("a code is taken twice: %v", err)
		}
		late := anna.code(t)
		time.Sleep(61 * time.Second)
		if _, err := anna.attempt(t, goodPassword, late, home, ""); !errors.Is(err, accounts.ErrRefused) {
			t.Errorf("a code of two steps ago is taken: %v", err)
		}
	})
}

// Two requests with one code at the same time: one is let in.
func TestCodeIsUsedOnce(t *testing.T) {
	anna := settle(t, accountstest.New(t), "anna", redress.Reviewer)
	recovery := anna.first.Codes[0]
	var wait sync.WaitGroup
	var mu sync.Mutex
	in := 0
	for range 6 {
		wait.Go(func() {
			admission, err := anna.attempt(t, goodPassword, strings.ToLower(recovery), home, "")
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				in++
				if admission.Left != 9 {
					t.Errorf("%d codes left", admission.Left)
				}
			case !errors.Is(err, accounts.ErrRefused):
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if in != 1 {
		t.Errorf("%d came in with one code", in)
	}
}

func TestRecoveryCodesAreOnesOwn(t *testing.T) {
	desk := accountstest.New(t)
	anna, ben := settle(t, desk, "anna", redress.Reviewer), settle(t, desk, "ben", redress.Reviewer)
	if len(anna.first.Codes) != 10 {
		t.Fatal(anna.first.Codes)
	}
	if _, err := ben.attempt(t, goodPassword, anna.first.Codes[0], home, ""); !errors.Is(err, accounts.ErrRefused) {
		t.Error(err)
	}
	who, err := desk.Office.Identify(t.Context(), anna.first.Session)
	if err != nil {
		t.Fatal(err)
	}
	again, err := desk.Office.NewCodes(t.Context(), who, anna.first.Session)
	if err != nil || len(again.Codes) != 10 {
		t.Fatal(again, err)
	}
	if _, err := desk.Office.Identify(t.Context(), anna.first.Session); !errors.Is(err, accounts.ErrNoSession) {
		t.Error("the session kept its word", err)
	}
	if _, err := anna.attempt(t, goodPassword, anna.first.Codes[0], home, ""); !errors.Is(err, accounts.ErrRefused) {
		t.Error("an old code is taken", err)
	}
	if _, err := anna.attempt(t, goodPassword, again.Codes[0], home, ""); err != nil {
		t.Error(err)
	}
}

// A stranger guesses until nothing more is heard; the owner, whose browser was let in before, comes in all the same,
// and after a restart the stranger is still kept out.
func TestStrangersLockNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk := accountstest.New(t)
		anna := settle(t, desk, "anna", redress.Reviewer)
		device := anna.first.Device
		guess := func() error { _, err := anna.attempt(t, "guess", "123456", away, ""); return err }
		tries := 0
		for ; !isThrottled(guess()); tries++ {
			if tries > 100 {
				t.Fatal("a stranger guesses without end")
			}
		}
		if tries != 10 {
			t.Errorf("%d guesses", tries)
		}
		if _, err := anna.attempt(t, goodPassword, anna.nextCode(t), away, device); err != nil {
			t.Errorf("the owner is locked out: %v", err)
		}
		anna.desk = accountstest.Over(t, desk.Database)
		if err := guess(); !isThrottled(err) {
			t.Errorf("a restart forgets: %v", err)
		}
		// From another network it is the account that counts; for another account the network does.
		if _, err := anna.attempt(t, "guess", "123456", netip.MustParseAddr("203.0.113.9"), ""); !isThrottled(err) {
			t.Errorf("another network guesses on: %v", err)
		}
		// A device's word is of its account, and cannot be made up.
		ben := settle(t, anna.desk, "ben", redress.Reviewer)
		for _, word := range []string{ben.first.Device, device[:len(device)-2] + "AA", "x", strings.Repeat("A", 64)} {
			if _, err := anna.attempt(t, goodPassword, anna.nextCode(t), away, word); !isThrottled(err) {
				t.Errorf("a stranger's device: %v", err)
			}
		}
		time.Sleep(5 * time.Minute)
		if _, err := anna.attempt(t, goodPassword, anna.nextCode(t), home, ""); err != nil {
			t.Errorf("it does not end: %v", err)
		}
	})
}

func isThrottled(err error) bool {
	throttled, is := errors.AsType[*accounts.Throttled](err)
	return is && throttled.Wait > 0
}

// A name that is nobody's is throttled as one that is somebody's.
func TestThrottleTellsNothing(t *testing.T) {
	desk := accountstest.New(t)
	settle(t, desk, "anna", redress.Reviewer)
	tries := func(name string, from netip.Addr) int {
		for count := range 100 {
			if _, err := desk.Office.ByPassword(t.Context(), &accounts.Attempt{Name: name, Password: "guess", Code: "123456", Network: from}); isThrottled(err) {
				return count
			}
		}
		return -1
	}
	known, unknown := tries("anna", home), tries("nobody", away)
	if known != unknown || known < 1 {
		t.Errorf("%d and %d attempts", known, unknown)
	}
}

func TestNetworkIsThrottled(t *testing.T) {
	desk := accountstest.New(t)
	from := func(addr netip.Addr, name string) error {
		_, err := desk.Office.ByPassword(t.Context(), &accounts.Attempt{Name: name, Password: "guess", Network: addr})
		return err
	}
	for i := range 40 {
		if err := from(netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), "name"+string(rune('a'+i%26))+strings.Repeat("x", i/26)); !errors.Is(err, accounts.ErrRefused) {
			t.Fatal(i, err)
		}
	}
	if err := from(netip.MustParseAddr("198.51.100.200"), "other"); !isThrottled(err) {
		t.Error(err)
	}
	// At home every device is itself: a child does not keep the parents out.
	for range 40 {
		_ = from(netip.MustParseAddr("192.168.1.5"), "child"+time.Now().String()[20:29])
	}
	if err := from(netip.MustParseAddr("192.168.1.6"), "other"); !errors.Is(err, accounts.ErrRefused) {
		t.Error(err)
	}
}

func TestClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk := accountstest.New(t)
		if empty, err := desk.Office.Empty(t.Context()); err != nil || !empty {
			t.Fatal(empty, err)
		}
		old, err := desk.Office.Claim(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		link, err := desk.Office.Claim(t.Context())
		if err != nil || len(link.Token) != len("7K4Q-92QF-M3TX") {
			t.Fatal(link, err)
		}
		accept := func(word string) (*accounts.Admission, error) {
			offer, err := desk.Office.Offer("Example", "parent", word)
			if err != nil {
				t.Fatal(err)
			}
			code, err := totp.GenerateCode(offer.Secret, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			return desk.Office.Accept(t.Context(), &accounts.Choice{Word: word, Name: "Parent", Password: goodPassword, Sealed: offer.Sealed, Code: code, Network: home})
		}
		if _, err := accept(old.Token); !errors.Is(err, accounts.ErrWord) {
			t.Errorf("the code before works: %v", err)
		}
		got, err := accept(" " + strings.ToLower(strings.ReplaceAll(link.Token, "-", " ")))
		if err != nil || got.Account.Name != "parent" || got.Account.Role != redress.Operator || len(got.Codes) != 10 {
			t.Fatal(got, err)
		}
		if _, err := accept(link.Token); !errors.Is(err, accounts.ErrWord) {
			t.Errorf("it works twice: %v", err)
		}
		if _, err := desk.Office.Claim(t.Context()); !errors.Is(err, accounts.ErrClaimed) {
			t.Error(err)
		}
		if _, err := desk.Office.Remove(t.Context(), machine, "parent"); err != nil {
			t.Fatal(err)
		}
		late, err := desk.Office.Claim(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if _, err := accept(late.Token); !errors.Is(err, accounts.ErrWord) {
			t.Errorf("it works after its time: %v", err)
		}
	})
}

// Guessing claim codes ends soon.
func TestClaimIsNotGuessed(t *testing.T) {
	desk := accountstest.New(t)
	link, err := desk.Office.Claim(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 40 {
		if _, err := desk.Office.Invited(t.Context(), "0000-0000-0000", away); !errors.Is(err, accounts.ErrWord) {
			t.Fatal(err)
		}
	}
	if _, err := desk.Office.Invited(t.Context(), link.Token, away); !isThrottled(err) {
		t.Error(err)
	}
	if _, err := desk.Office.Invited(t.Context(), link.Token, home); err != nil {
		t.Error(err)
	}
}

func TestAcceptRefuses(t *testing.T) {
	desk := accountstest.New(t)
	_, link, err := desk.Office.Add(t.Context(), machine, accounts.Making{Name: "anna", Role: redress.Reviewer})
	if err != nil {
		t.Fatal(err)
	}
	offer, err := desk.Office.Offer("Example", "anna", link.Token)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := desk.Office.Offer("Example", "anna", "another word")
	if err != nil {
		t.Fatal(err)
	}
	code := func(secret string) string {
		code, err := totp.GenerateCode(secret, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	for about, test := range map[string]struct {
		choice accounts.Choice
		want   error
	}{
		"another word":     {accounts.Choice{Word: "x", Password: goodPassword, Sealed: offer.Sealed, Code: code(offer.Secret)}, accounts.ErrWord},
		"a short password": {accounts.Choice{Word: link.Token, Password: "short", Sealed: offer.Sealed, Code: code(offer.Secret)}, accounts.ErrPassword},
		"the name":         {accounts.Choice{Word: link.Token, Password: "anna1234567", Sealed: offer.Sealed, Code: code(offer.Secret)}, accounts.ErrPassword},
		"another offer":    {accounts.Choice{Word: link.Token, Password: goodPassword, Sealed: elsewhere.Sealed, Code: code(elsewhere.Secret)}, accounts.ErrOffer},
		"a changed offer":  {accounts.Choice{Word: link.Token, Password: goodPassword, Sealed: offer.Sealed[:len(offer.Sealed)-4] + "AAAA", Code: code(offer.Secret)}, accounts.ErrOffer},
		"another code":     {accounts.Choice{Word: link.Token, Password: goodPassword, Sealed: offer.Sealed, Code: "12345x"}, accounts.ErrCode},
	} {
		test.choice.Network = home
		if _, err := desk.Office.Accept(t.Context(), &test.choice); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", about, err)
		}
	}
	if again, err := desk.Office.OfferAgain("Example", "anna", link.Token, offer.Sealed); err != nil || again.Secret != offer.Secret {
		t.Error(again, err)
	}
	if invitation, err := desk.Office.Invited(t.Context(), link.Token, home); err != nil || invitation.Account.Name != "anna" {
		t.Errorf("mistakes used it up: %v", err)
	}
}

// Nothing that lets somebody in is in the database as it travels.
func TestAtRest(t *testing.T) {
	desk := accountstest.New(t)
	anna := settle(t, desk, "anna", redress.Reviewer)
	_, link, err := desk.Office.Add(t.Context(), machine, accounts.Making{Name: "ben", Role: redress.Reviewer})
	if err != nil {
		t.Fatal(err)
	}
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(anna.secret)
	if err != nil {
		t.Fatal(err)
	}
	held := dump(t, desk.Database, "accounts", "sessions", "account_links", "account_recovery", "sign_in_limits")
	for about, word := range map[string]string{"password": goodPassword, "session": anna.first.Session, "link": link.Token, "recovery": anna.first.Codes[0], "secret": string(secret), "secret as text": anna.secret, "network": "192.0.2"} {
		if strings.Contains(held, word) {
			t.Errorf("the %s is kept as it is", about)
		}
	}
	if !strings.Contains(held, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Error("the parameters are not kept with the hash")
	}
}

func TestHostileNames(t *testing.T) {
	desk := accountstest.New(t)
	settle(t, desk, "anna", redress.Reviewer)
	for _, name := range []string{"anna'--", "' OR '1'='1", "anna'; DROP TABLE accounts; --", "anna\x00", "%", "a_na", strings.Repeat("a", 1<<20)} {
		if _, err := desk.Office.ByPassword(t.Context(), &accounts.Attempt{Name: name, Password: goodPassword, Code: "' OR 1=1 --", Network: netip.MustParseAddr("203.0.113.1")}); !errors.Is(err, accounts.ErrRefused) {
			t.Errorf("%.30q: %v", name, err)
		}
		if _, err := desk.Office.Identify(t.Context(), name); !errors.Is(err, accounts.ErrNoSession) {
			t.Errorf("%.30q: %v", name, err)
		}
		if _, err := desk.Office.Invited(t.Context(), name, netip.MustParseAddr("203.0.113.1")); !errors.Is(err, accounts.ErrWord) {
			t.Errorf("%.30q: %v", name, err)
		}
	}
	if all, err := desk.Office.List(t.Context()); err != nil || len(all) != 1 {
		t.Error(all, err)
	}
}
