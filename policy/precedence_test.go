package policy_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// The order of precedence, pair by pair. Every rule is about one name.
func TestPrecedence(t *testing.T) {
	const x = "x.site.example"
	tables := []struct {
		name       string
		lists      []list
		own        []bundle.Own
		exceptions []blocklists.Exception
		client     netip.Addr
		want       string // "" passes with nothing that counts; pass:LIST; LIST blocks
	}{
		{name: "law alone", lists: []list{law("l", x)}, client: italian, want: "l"},
		{name: "law of another place", lists: []list{law("l", x)}, client: french},
		{name: "law where there is no jurisdiction", lists: []list{law("l", x)}, client: nowhere},
		{name: "law before security", lists: []list{security("s", x), law("l", x)}, client: italian, want: "l"},
		{name: "security where law is not in force", lists: []list{security("s", x), law("l", x)}, client: french, want: "s"},
		{name: "law before operator exception", lists: []list{law("l", x)}, own: []bundle.Own{exempt(x)}, client: italian, want: "l"},
		{name: "operator exception where law is not in force", lists: []list{law("l", x)}, own: []bundle.Own{exempt(x)}, client: french, want: "pass:operator:exceptions"},
		{name: "law before profile allow", lists: []list{law("l", x)}, own: []bundle.Own{allow(x)}, client: child, want: "l"},
		{name: "law before deny", lists: []list{law("l", x)}, own: []bundle.Own{deny(x)}, client: child, want: "l"},
		{name: "law before user list", lists: []list{user("u", x), law("l", x)}, client: child, want: "l"},

		{name: "decided exception lifts law", lists: []list{law("l", x)}, exceptions: []blocklists.Exception{decided("l", x)}, client: italian},
		{name: "decided exception lifts its list alone", lists: []list{law("l", x), law("m", x)}, exceptions: []blocklists.Exception{decided("l", x)}, client: italian, want: "m"},
		{name: "decided exception leaves other purposes", lists: []list{law("l", x), security("s", x)}, exceptions: []blocklists.Exception{decided("l", x)}, client: italian, want: "s"},
		{name: "decided exception of a parent", lists: []list{security("s", x)}, exceptions: []blocklists.Exception{decided("s", "site.example")}, client: italian},
		{name: "decided exception below does not lift above", lists: []list{security("s", x)}, exceptions: []blocklists.Exception{decided("s", "www.x.site.example")}, client: italian, want: "s"},
		{name: "decided exception lifts a user list", lists: []list{user("u", x)}, exceptions: []blocklists.Exception{decided("u", x)}, client: child},
		{name: "decided exception leaves deny", lists: []list{user("u", x)}, own: []bundle.Own{deny(x)}, exceptions: []blocklists.Exception{decided("u", x)}, client: child, want: "profile:kids:deny"},
		{
			name: "an operator's exception in the overlay does not lift law", lists: []list{law("l", x)},
			exceptions: []blocklists.Exception{{Kind: blocklists.Operator, List: "l", Name: wire.MustName(x)}}, client: italian, want: "l",
		},
		{
			name: "an operator's exception in the overlay lifts security", lists: []list{security("s", x)},
			exceptions: []blocklists.Exception{{Kind: blocklists.Operator, List: "s", Name: wire.MustName(x)}}, client: italian,
		},

		{name: "operator exception before security", lists: []list{security("s", x)}, own: []bundle.Own{exempt(x)}, client: italian, want: "pass:operator:exceptions"},
		{name: "operator exception of a parent", lists: []list{security("s", x)}, own: []bundle.Own{exempt("example")}, client: italian, want: "pass:operator:exceptions"},
		{name: "operator exception before deny", own: []bundle.Own{exempt(x), deny(x)}, client: child, want: "pass:operator:exceptions"},
		{name: "operator exception before user list", lists: []list{user("u", x)}, own: []bundle.Own{exempt(x)}, client: child, want: "pass:operator:exceptions"},

		{name: "security before profile allow", lists: []list{security("s", x)}, own: []bundle.Own{allow(x)}, client: child, want: "s"},
		{name: "security before deny", lists: []list{security("s", x)}, own: []bundle.Own{deny(x)}, client: child, want: "s"},
		{name: "security before user list", lists: []list{user("u", x), security("s", x)}, client: child, want: "s"},
		{name: "security is everywhere", lists: []list{security("s", x)}, client: nowhere, want: "s"},

		{name: "allow before deny", own: []bundle.Own{deny(x), allow(x)}, client: child, want: "pass:profile:kids:allow"},
		{name: "allow of a parent before deny of the name", own: []bundle.Own{deny(x), allow("example")}, client: child, want: "pass:profile:kids:allow"},
		{name: "allow before user list", lists: []list{user("u", x)}, own: []bundle.Own{allow(x)}, client: child, want: "pass:profile:kids:allow"},
		{name: "deny before user list", lists: []list{user("u", x)}, own: []bundle.Own{deny(x)}, client: child, want: "profile:kids:deny"},
		{name: "deny of another profile", own: []bundle.Own{deny(x)}, client: elder},
		{name: "deny without a profile", own: []bundle.Own{deny(x)}, client: italian},
		{name: "user list asked for", lists: []list{user("u", x)}, client: child, want: "u"},
		{name: "user list not asked for", lists: []list{user("u", x)}, client: elder},
		{name: "user list without a profile", lists: []list{user("u", x)}, client: italian},

		{name: "file order within a step", lists: []list{security("b", "site.example"), security("a", x)}, client: italian, want: "b"},
		{name: "file order of user lists", lists: []list{user("b", x), user("a", x)}, client: child, want: "b"},
		{
			name: "an expired list does not count", client: italian,
			lists: []list{law("l", x).with(func(m *blocklists.Manifest) { m.Expires = today })},
		},
		{
			name: "a list that will expire counts", client: italian, want: "l",
			lists: []list{law("l", x).with(func(m *blocklists.Manifest) { m.Expires = today.Add(time.Second) })},
		},
		{name: "nothing matches", lists: []list{law("l", "other.example")}, client: italian},
		{
			name: "below does not cover the name itself", client: italian,
			lists: []list{security("s", x).with(func(m *blocklists.Manifest) { m.Scope = blocklists.Below })},
		},
	}
	for _, test := range tables {
		t.Run(test.name, func(t *testing.T) {
			if len(test.lists) == 0 {
				test.lists = []list{security("unrelated", "unrelated.example")}
			}
			s := snapshot(t, compile(t, nil, test.lists, test.own...), test.exceptions...)
			verdict := policy.Judge(s, links(x), who(t, s, test.client), today)
			if got := outcome(&verdict); got != test.want {
				t.Errorf("got %q, want %q\n%s", got, test.want, strings.Join(verdict.Because, "\n"))
			}
			// The stage must do what the explanation says.
			if got, want := blockedByFilter(t, s, test.client, x), verdict.Action == policy.Block; got != want {
				t.Errorf("filter blocks: %v, explanation: %v", got, want)
			}
		})
	}
}

func outcome(verdict *policy.Verdict) string {
	if verdict.Primary == nil {
		return ""
	}
	if verdict.Action == policy.Pass {
		return "pass:" + string(verdict.Primary.Entry.List)
	}
	return string(verdict.Primary.Entry.List)
}

func TestLongestNameWithinAList(t *testing.T) {
	s := snapshot(t, compile(t, nil, []list{security("s", "site.example", "x.site.example")}))
	verdict := policy.Judge(s, links("www.x.site.example"), who(t, s, italian), today)
	if verdict.Primary == nil || verdict.Primary.Entry.Name != wire.MustName("x.site.example") {
		t.Fatalf("primary is %+v", verdict.Primary)
	}
	if len(verdict.Matches) != 2 || !verdict.Matches[1].Counts {
		t.Errorf("matches are %+v", verdict.Matches)
	}
}

func TestAliases(t *testing.T) {
	for _, test := range []struct {
		name       string
		lists      []list
		own        []bundle.Own
		exceptions []blocklists.Exception
		want       string
	}{
		{name: "law", lists: []list{law("l", "tracker.example")}, want: "l"},
		{name: "security", lists: []list{security("s", "tracker.example")}, want: "s"},
		{name: "not a user list", lists: []list{user("u", "tracker.example")}},
		{name: "not deny", own: []bundle.Own{deny("tracker.example")}},
		{name: "not allow", lists: []list{user("u", "shop.example")}, own: []bundle.Own{allow("tracker.example")}, want: "u"},
		{name: "the alias is exempted", lists: []list{security("s", "tracker.example")}, own: []bundle.Own{exempt("tracker.example")}},
		{name: "the question is exempted", lists: []list{security("s", "tracker.example")}, own: []bundle.Own{exempt("shop.example")}, want: "pass:operator:exceptions"},
		{name: "an exempted alias does not lift the question", lists: []list{security("s", "shop.example")}, own: []bundle.Own{exempt("tracker.example")}, want: "s"},
		{name: "an exempted alias does not lift another alias", lists: []list{security("s", "end.example")}, own: []bundle.Own{exempt("tracker.example")}, want: "s"},
		{name: "decided for the alias", lists: []list{law("l", "tracker.example")}, exceptions: []blocklists.Exception{decided("l", "tracker.example")}},
		{name: "decided for the question", lists: []list{law("l", "tracker.example")}, exceptions: []blocklists.Exception{decided("l", "shop.example")}},
		{name: "decided for the alias leaves the question", lists: []list{law("l", "shop.example")}, exceptions: []blocklists.Exception{decided("l", "tracker.example")}, want: "l"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if len(test.lists) == 0 {
				test.lists = []list{security("unrelated", "unrelated.example")}
			}
			s := snapshot(t, compile(t, nil, test.lists, test.own...), test.exceptions...)
			verdict := policy.Judge(s, links("shop.example", "x.tracker.example", "end.example"), who(t, s, child), today)
			if got := outcome(&verdict); got != test.want {
				t.Errorf("got %q, want %q\n%s", got, test.want, strings.Join(verdict.Because, "\n"))
			}
		})
	}
}

func TestVerdictSaysWhichLinkMatched(t *testing.T) {
	s := snapshot(t, compile(t, nil, []list{law("l", "tracker.example")}))
	verdict := policy.Judge(s, links("shop.example", "x.tracker.example"), who(t, s, italian), today)
	if p := verdict.Primary; p == nil || p.Link.Kind != resolver.Alias || p.Link.Name != wire.MustName("x.tracker.example") || p.Entry.Line != 2 {
		t.Fatalf("primary is %+v", p)
	}
	if all := strings.Join(verdict.Because, "\n"); !strings.Contains(all, "covers the alias x.tracker.example") {
		t.Errorf("because: %s", all)
	}
}

func TestExplain(t *testing.T) {
	index := compile(t, nil, []list{law("l", "x.example"), user("u", "x.example")}, deny("x.example"))
	s := snapshot(t, index, decided("l", "x.example"))
	verdict, err := s.Explain(wire.MustName("x.example"), policy.Subject{Client: resolver.Client{Addr: italian}, Profile: "kids"}, today)
	if err != nil || verdict.Action != policy.Block || verdict.Primary.Role != policy.ProfileDeny {
		t.Fatalf("got %+v, %v", verdict, err)
	}
	all := strings.Join(verdict.Because, "\n")
	for _, want := range []string{"binds it to IT", "profile kids", "case C-1 decided", "asked for category gambling", "list u, line 2"} {
		if !strings.Contains(all, want) {
			t.Errorf("because lacks %q:\n%s", want, all)
		}
	}
	if court := verdict.Matches[0]; len(verdict.Matches) != 3 || court.Exception == nil || court.Counts || court.Exception.Case != "C-1" {
		t.Errorf("matches are %+v", verdict.Matches)
	}
}

func TestExplainRefusesWhatItDoesNotKnow(t *testing.T) {
	s := snapshot(t, compile(t, nil, []list{law("l", "x.example")}))
	if _, err := s.Explain(wire.MustName("x.example"), policy.Subject{Client: resolver.Client{Addr: unknown}}, today); err == nil {
		t.Error("a client that is not admitted is explained")
	}
	if _, err := s.Explain(wire.MustName("x.example"), policy.Subject{Client: resolver.Client{Addr: italian}, Profile: "none"}, today); err == nil {
		t.Error("a profile that does not exist is explained")
	}
	if verdict, err := s.Explain(wire.MustName("x.example"), policy.Subject{}, today); err != nil || verdict.Action != policy.Pass {
		t.Errorf("no client: %v, %v", verdict, err)
	}
}

func TestOtherProfilesNamesAreNotShown(t *testing.T) {
	s := snapshot(t, compile(t, nil, []list{law("l", "x.example")}, deny("x.example"), allow("x.example")))
	verdict := policy.Judge(s, links("x.example"), who(t, s, elder), today)
	if len(verdict.Matches) != 1 || strings.Contains(strings.Join(verdict.Because, " "), "kids") {
		t.Errorf("verdict shows another profile: %+v", verdict)
	}
}
