package policy_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// A small world, so that lists, names and clients meet often.
var (
	someNames   = []string{"a.example", "b.example", "www.a.example", "x.www.a.example", "c.b.example", "d.test.example", "test.example"}
	someClients = []netip.Addr{italian, child, french, nowhere, elder}
)

// line is one entry of a list, as the oracle knows it.
type line struct {
	name        string
	scope       blocklists.Scope
	lets        bool // passthru
	from, until int  // hours after today; 0: none
}

func (l *line) text() string {
	text := fmt.Sprintf(`{"name": %q, "scope": %q`, l.name, l.scope)
	if l.lets {
		text += `, "action": "passthru"`
	}
	for key, hours := range map[string]int{"from": l.from, "until": l.until} {
		if hours != 0 {
			text += fmt.Sprintf(`, %q: %q`, key, after(hours).Format(time.RFC3339))
		}
	}
	return text + "}"
}

func after(hours int) time.Time { return today.Add(time.Duration(hours) * time.Hour) }

// ruled is a list with its lines.
type ruled struct {
	list
	lines []line
}

// rules are a drawn world, kept beside the bundle for the oracle.
type rules struct {
	lists      []ruled
	own        []bundle.Own
	exceptions []blocklists.Exception
}

func drawLine(name string) *rapid.Generator[line] {
	return rapid.Custom(func(t *rapid.T) line {
		drawn := line{name: name, scope: rapid.SampledFrom([]blocklists.Scope{blocklists.Exact, blocklists.Subtree, blocklists.Below}).Draw(t, "scope")}
		drawn.lets = rapid.IntRange(0, 3).Draw(t, "passthru") == 0
		if rapid.IntRange(0, 3).Draw(t, "dated") == 0 {
			drawn.from = rapid.IntRange(0, 5).Draw(t, "from")
			drawn.until = drawn.from + rapid.IntRange(1, 4).Draw(t, "for")
		}
		return drawn
	})
}

func drawList(t *rapid.T, number int) ruled {
	id := fmt.Sprintf("list-%d", number)
	drawn := ruled{list: rapid.SampledFrom([]func(string, ...string) list{law, security, user}).Draw(t, "purpose")(id)}
	manifest := &drawn.Manifest
	switch manifest.Purpose {
	case blocklists.Law:
		manifest.Jurisdiction = rapid.SampledFrom([][]string{{"IT"}, {"FR"}, {"IT", "FR"}, {"DE"}}).Draw(t, "jurisdiction")
	case blocklists.User:
		manifest.Category = rapid.SampledFrom([]string{"gambling", "gambling", "adult"}).Draw(t, "category")
	}
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0:
		manifest.ID = blocklists.ListID("held-" + id)
	case 1:
		manifest.Shadow = true
	case 2:
		manifest.Expires = after(rapid.IntRange(1, 9).Draw(t, "expires"))
	case 3:
		manifest.Match = []string{"question"}
	case 4:
		manifest.Match = []string{"question", "alias"}
	}
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(someNames), 1, 4, rapid.ID[string]).Draw(t, "names") {
		drawn.lines = append(drawn.lines, rapid.SliceOfNDistinct(drawLine(name), 1, 2, func(l line) blocklists.Scope { return l.scope }).Draw(t, "lines")...)
	}
	return drawn
}

func drawException(t *rapid.T, list blocklists.ListID) blocklists.Exception {
	made := decided(string(list), rapid.SampledFrom(someNames).Draw(t, "exception"))
	switch rapid.IntRange(0, 4).Draw(t, "of") {
	case 0:
		made.Kind = blocklists.Operator
	case 1:
		made.Keep = wire.MustName("keep." + made.Name.String())
	}
	return made
}

func drawRules(t *rapid.T) rules {
	names := rapid.SliceOfNDistinct(rapid.SampledFrom(someNames), 1, 3, rapid.ID[string])
	var drawn rules
	for i := range rapid.IntRange(1, 6).Draw(t, "lists") {
		drawn.lists = append(drawn.lists, drawList(t, i))
		if rapid.IntRange(0, 2).Draw(t, "excepted") == 0 {
			drawn.exceptions = append(drawn.exceptions, drawException(t, drawn.lists[i].ID))
		}
	}
	for _, make := range []func(...string) bundle.Own{allow, deny, exempt} {
		if rapid.IntRange(0, 2).Draw(t, "own") == 0 {
			drawn.own = append(drawn.own, make(names.Draw(t, "own names")...))
		}
	}
	return drawn
}

func (r *rules) compile(t failer) *policy.Snapshot {
	t.Helper()
	var lists []list
	lines := map[blocklists.ListID][]string{}
	for i := range r.lists {
		lists = append(lists, r.lists[i].list)
		for j := range r.lists[i].lines {
			lines[r.lists[i].ID] = append(lines[r.lists[i].ID], r.lists[i].lines[j].text())
		}
	}
	return snapshot(t, compileLines(t, lists, lines, r.own...), r.exceptions...)
}

// occasion is one question with what it leads to, who asks, and when.
type occasion struct {
	name    wire.Name
	aliases []wire.Name
	client  netip.Addr
	at      time.Time
}

func drawOccasion(t *rapid.T) occasion {
	all := append(slices.Clone(someNames), "free.example", "deep.x.www.a.example", "keep.a.example")
	texts := rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, 3, rapid.ID[string]).Draw(t, "question and aliases")
	drawn := occasion{name: wire.MustName(texts[0]), client: rapid.SampledFrom(someClients).Draw(t, "client"), at: after(rapid.IntRange(0, 11).Draw(t, "at"))}
	for _, text := range texts[1:] {
		drawn.aliases = append(drawn.aliases, wire.MustName(text))
	}
	return drawn
}

// ruling is what the oracle says: by which list, "" where nothing decides.
type ruling struct {
	blocked bool
	by      blocklists.ListID
}

// oracle judges as DESIGN's sentence on precedence reads: decided exception, law in force in
// the client's jurisdiction, operator exception, security, the profile's allow, its deny, the
// user lists that it asked for. It knows nothing of how the program does it.
func (r *rules) oracle(o *occasion) ruling {
	for i := range r.lists {
		place := map[netip.Addr]string{italian: "IT", child: "IT", elder: "IT", french: "FR"}[o.client]
		if l := &r.lists[i]; l.Purpose == blocklists.Law && slices.Contains(l.Jurisdiction, place) && r.says(l, o) == "block" {
			return ruling{true, l.ID}
		}
	}
	if r.owns(bundle.OperatorException, o.name) {
		return ruling{false, "operator:exceptions"}
	}
	if by := r.step(o, blocklists.Security); by != "" {
		return ruling{true, by}
	}
	switch {
	case o.client != child: // who alone has names of its own, and lists that it chose
		return ruling{}
	case r.owns(bundle.ProfileAllow, o.name):
		return ruling{false, "profile:kids:allow"}
	case r.owns(bundle.ProfileDeny, o.name):
		return ruling{true, "profile:kids:deny"}
	}
	by := r.step(o, blocklists.User)
	return ruling{by != "", by}
}

// step finds the list of a purpose that blocks; a list that lets pass ends the search.
func (r *rules) step(o *occasion, purpose blocklists.Purpose) blocklists.ListID {
	for i := range r.lists {
		l := &r.lists[i]
		if l.Purpose != purpose || l.Category == "adult" { // which nobody chose
			continue
		}
		switch r.says(l, o) {
		case "block":
			return l.ID
		case "let":
			return ""
		}
	}
	return ""
}

// says is what a list says of the question or, if nothing, of its aliases.
func (r *rules) says(l *ruled, o *occasion) string {
	if strings.HasPrefix(string(l.ID), "held") || l.Shadow || !l.Expires.IsZero() && !o.at.Before(l.Expires) {
		return ""
	}
	if said := r.saysOf(l, o, o.name); said != "" {
		return said
	}
	if l.Purpose == blocklists.User && len(l.Match) == 0 || len(l.Match) == 1 {
		return "" // it judges no alias
	}
	for _, alias := range o.aliases {
		if l.Purpose != blocklists.Law && r.owns(bundle.OperatorException, alias) {
			continue
		}
		if said := r.saysOf(l, o, alias); said != "" {
			return said
		}
	}
	return ""
}

// saysOf is what a list says of one name: by the longest owner; of that exact before the
// others, and what lets pass before what blocks.
func (r *rules) saysOf(l *ruled, o *occasion, name wire.Name) string {
	for i := range r.exceptions {
		e := &r.exceptions[i]
		if (e.Kind != blocklists.Operator || l.Purpose != blocklists.Law) && (e.Covers(l.ID, name) || e.Covers(l.ID, o.name)) {
			return ""
		}
	}
	said, best := "", -1
	for _, one := range l.lines {
		owner := wire.MustName(one.name)
		if !one.scope.Covers(owner, name) || o.at.Before(after(one.from)) || one.until != 0 && !o.at.Before(after(one.until)) {
			continue
		}
		weight, word := 4*len(owner), "block"
		if one.scope == blocklists.Exact {
			weight += 2
		}
		if one.lets {
			weight, word = weight+1, "let"
		}
		if weight > best {
			said, best = word, weight
		}
	}
	return said
}

func (r *rules) owns(kind bundle.Kind, name wire.Name) bool {
	return slices.ContainsFunc(r.own, func(own bundle.Own) bool {
		return own.Kind == kind && slices.ContainsFunc(own.Names, name.IsBelow)
	})
}
