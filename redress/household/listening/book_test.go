package listening_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress/household/listening"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// byAddress has a device for each address.
type byAddress struct{}

func (byAddress) Device(client resolver.Client) string { return client.Addr.String() }

var (
	tablet = resolver.Client{Addr: netip.MustParseAddr("192.168.1.20")}
	phone  = resolver.Client{Addr: netip.MustParseAddr("192.168.1.21")}
)

func match(name string, role policy.Role, manifest *blocklists.Manifest) *policy.Match {
	return &policy.Match{Role: role, Manifest: manifest, Code: policy.Code(len(name)), Link: resolver.Link{Name: wire.MustName(name)}}
}

func list(id string, purpose blocklists.Purpose) *blocklists.Manifest {
	return &blocklists.Manifest{ID: blocklists.ListID(id), Purpose: purpose, Category: "gambling", Title: map[string]string{"en": "Title of " + id}}
}

func said(heard listening.Heard) string {
	var text strings.Builder
	for _, group := range heard.Groups {
		fmt.Fprintf(&text, "%d %s%s:", group.Rule.Kind, group.Rule.List, group.Rule.Title)
		for _, name := range group.Names {
			fmt.Fprintf(&text, " %s %d", name.Name, name.Times)
		}
		text.WriteString("; ")
	}
	return text.String()
}

func TestWhatIsHeard(t *testing.T) {
	book := listening.New(byAddress{})
	if book.Listens() {
		t.Error("nobody asked to listen")
	}
	if _, started := book.Start(tablet.Addr.String()); !started || !book.Listens() {
		t.Fatal("it does not listen")
	}
	user, court := list("ads", blocklists.User), list("court", blocklists.Law)
	service := match("a.tiktok.com", policy.Service, nil)
	service.Label = "TikTok"
	for _, one := range []*policy.Match{
		match("a.example", policy.Feed, user), match("longer.example", policy.Feed, user), match("longer.example", policy.Feed, user), service,
		match("law.example", policy.Feed, court), match("bad.example", policy.Feed, list("phish", blocklists.Security)), match("late.example", policy.Offline, nil),
	} {
		book.Withheld(tablet, one)
	}
	book.Withheld(phone, match("phone.example", policy.Feed, user))
	heard, is := book.Heard(tablet.Addr.String())
	want := "0 adsTitle of ads: longer.example 2 a.example 1; 0 TikTok: a.tiktok.com 1; 1 : late.example 1; 2 phishTitle of phish: bad.example 1; 3 : law.example 1; "
	if got := said(heard); !is || got != want {
		t.Errorf("heard %s\nwant  %s", got, want)
	}
	if _, is := book.Heard(phone.Addr.String()); is {
		t.Error("the phone is listened to")
	}
	book.Stop(tablet.Addr.String())
	if _, is := book.Heard(tablet.Addr.String()); is || book.Listens() {
		t.Error("stopped, and it is still known")
	}
}

// After ten minutes nothing more is noted, and after five more nothing is known.
func TestListeningEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book, device := listening.New(byAddress{}), tablet.Addr.String()
		until, _ := book.Start(device)
		if !until.Equal(time.Now().Add(10 * time.Minute)) {
			t.Errorf("until %v", until)
		}
		book.Withheld(tablet, match("a.example", policy.Feed, nil))
		time.Sleep(9 * time.Minute)
		book.Start(phone.Addr.String())
		time.Sleep(time.Minute)
		synctest.Wait()
		book.Withheld(tablet, match("b.example", policy.Feed, nil))
		if heard, is := book.Heard(device); !is || !heard.Over || strings.Contains(said(heard), "b.example") {
			t.Errorf("after ten minutes: %+v", heard)
		}
		if _, is := book.Until(device); is || !book.Listens() {
			t.Error("the tablet's is over and the phone's is not")
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if _, is := book.Heard(device); is {
			t.Error("it is known for ever")
		}
		time.Sleep(4 * time.Minute)
		synctest.Wait()
		if book.Listens() {
			t.Error("it listens for ever")
		}
		// Begun anew, the timers of the time before end nothing.
		book.Start(device)
		time.Sleep(5 * time.Minute)
		book.Start(device)
		time.Sleep(6 * time.Minute)
		synctest.Wait()
		if _, is := book.Until(device); !is || !book.Listens() {
			t.Error("the second time ended with the first")
		}
		book.Stop(device)
	})
}

func TestListeningIsBounded(t *testing.T) {
	book := listening.New(byAddress{})
	book.Start(tablet.Addr.String())
	for i := range 2000 {
		book.Withheld(tablet, match(fmt.Sprintf("n%d.example", i), policy.Feed, nil))
	}
	heard, _ := book.Heard(tablet.Addr.String())
	names := 0
	for _, group := range heard.Groups {
		names += len(group.Names)
	}
	if names != 500 || !heard.Full {
		t.Errorf("%d names, full %v", names, heard.Full)
	}
	started := 0
	for i := range 1000 {
		if _, is := book.Start(fmt.Sprint(i)); is {
			started++
		}
	}
	if started != 63 {
		t.Errorf("%d more are listened to", started)
	}
	if _, is := book.Start(""); is {
		t.Error("it listens to nobody")
	}
}
