package policy_test

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver/wire"
)

const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

func TestCodeReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := policy.Code(rapid.Uint64Range(0, 1<<55-1).Draw(t, "code"))
		for _, text := range []string{code.String(), strings.ToLower(code.String()), strings.ReplaceAll(code.String(), "-", " "), strings.NewReplacer("-", "", "0", "o", "1", "l").Replace(code.String())} {
			if read, err := policy.ParseCode(text); err != nil || read != code {
				t.Fatalf("%q reads as %v, %v", text, read, err)
			}
		}
	})
}

// Every single wrong digit and every exchange of neighbours is found, the check digit's too.
func TestCodeFindsMistakes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := policy.Code(rapid.Uint64Range(0, 1<<55-1).Draw(t, "code"))
		text := []byte(strings.ReplaceAll(code.String(), "-", ""))
		for at := range text {
			for _, digit := range []byte(digits) {
				wrong := append([]byte{}, text...)
				if wrong[at] = digit; digit == text[at] {
					continue
				}
				if read, err := policy.ParseCode(string(wrong)); err == nil {
					t.Fatalf("%s, written %s, reads as %s", text, wrong, read)
				}
			}
			if at == 0 || text[at-1] == text[at] {
				continue
			}
			turned := append([]byte{}, text...)
			turned[at-1], turned[at] = turned[at], turned[at-1]
			if read, err := policy.ParseCode(string(turned)); err == nil {
				t.Fatalf("%s, written %s, reads as %s", text, turned, read)
			}
		}
	})
}

func FuzzParseCode(f *testing.F) {
	f.Add("7K4Q-92QF-M3TX")
	f.Add("")
	f.Add("ö-\x00")
	f.Fuzz(func(t *testing.T, text string) {
		if code, err := policy.ParseCode(text); err == nil {
			if again, err := policy.ParseCode(code.String()); err != nil || again != code {
				t.Errorf("%q is %s, which reads as %v, %v", text, code, again, err)
			}
		}
	})
}

func TestCodesAreStableAndDistinct(t *testing.T) {
	of := func(key policy.Key, list, order string, entry blocklists.Entry) policy.Code {
		return key.Entry(&blocklists.Manifest{ID: blocklists.ListID(list), OrderRef: order}, &entry)
	}
	name := blocklists.Entry{Name: wire.MustName("x.example"), Scope: blocklists.Subtree}
	other, exact, server, ordered, later := name, name, name, name, name
	other.Name, exact.Scope, server.Trigger, ordered.Order = wire.MustName("y.example"), blocklists.Exact, blocklists.OnServer, "RG 3"
	later.Action, later.Until, later.Line = blocklists.BlockNoData, 1, 7
	prefix := blocklists.Entry{Trigger: blocklists.OnAddress, Prefix: netip.MustParsePrefix("192.0.2.0/24")}
	longer := blocklists.Entry{Trigger: blocklists.OnAddress, Prefix: netip.MustParsePrefix("192.0.2.0/25")}
	code := of(key, "court", "RG 1", name)
	if code != of(key, "court", "RG 1", later) {
		t.Error("what an entry does, until when and where it stands changes its code")
	}
	all := []policy.Code{
		code, of(key, "cour", "tRG 1", name), of(key, "court", "RG 2", name), of(key, "court", "RG 1", other), of(key, "court", "RG 1", exact),
		of(key, "court", "RG 1", server), of(key, "court", "RG 1", ordered), of(key, "court", "RG 1", prefix), of(key, "court", "RG 1", longer),
		of(policy.Key("another key of thirty-two octets"), "court", "RG 1", name), key.Kind("court"),
	}
	for i, one := range all {
		if slices.Index(all, one) != i {
			t.Errorf("code %d is that of %d", i, slices.Index(all, one))
		}
	}
}

func TestFind(t *testing.T) {
	hidden := law("hidden", "one.example", "two.example").with(func(m *blocklists.Manifest) { m.Disclosure = blocklists.Secret })
	index := compile(t, nil, []list{law("l", "x.example", "y.example"), hidden}, deny("games.example"), exempt("y.example"))
	held := policy.NewCurrent(snapshot(t, index, decided("l", "x.example")))
	for range 2 { // built, and found again
		s := held.Load()
		for id, entry := range index.All() {
			code := s.CodeOf(entry)
			matches, found := s.Find(code)
			switch list := index.ListOf(id); {
			case list.ID == "hidden":
				if !found || len(matches) != 1 || matches[0].Entry.Name != "" || matches[0].Manifest == nil {
					t.Errorf("secret: %+v", matches)
				}
			case list.Manifest == nil:
				if code != 0 || found {
					t.Errorf("%s has a code of its own", entry.List)
				}
			default:
				if !found || len(matches) != 1 || matches[0].Entry != entry || (matches[0].Exception != nil) != (entry.Name == wire.MustName("x.example")) {
					t.Errorf("%s: %+v", entry.Name, matches)
				}
			}
		}
		if matches, found := s.Find(s.Key.Kind("own-deny")); !found || matches[0].Role != policy.ProfileDeny || matches[0].Profile != "" {
			t.Errorf("own deny: %+v", matches)
		}
		if _, found := s.Find(12345); found {
			t.Error("a code of nothing is found")
		}
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			fresh := policy.NewCurrent(held.Load()).Load()
			if _, found := fresh.Find(fresh.CodeOf(blocklists.Entry{List: "l", Name: wire.MustName("y.example"), Scope: blocklists.Subtree})); !found {
				t.Error("not found by several at the same time")
			}
		})
	}
	all.Wait()
	// A new bundle forgets what the old one had.
	held.Update(func(s policy.Snapshot) policy.Snapshot {
		s.Bundle = compile(t, s.Bundle, []list{law("l", "z.example")})
		return s
	})
	gone := blocklists.Entry{List: "l", Name: wire.MustName("x.example"), Scope: blocklists.Subtree}
	if _, found := held.Load().Find(held.Load().CodeOf(gone)); found {
		t.Error("an entry of the old bundle is found in the new one")
	}
}
