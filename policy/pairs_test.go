package policy_test

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/pass"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// What every pair is about: a name that is an alias of another, which has an address.
const (
	pairName    = "www.bing.com" // a search engine's, so that safe search is about it too
	pairSafe    = "strict.bing.com"
	pairAlias   = "cdn.tracker.example"
	pairAddress = "192.0.2.7"
)

// pairWorld is what the rules of a pair have put together.
type pairWorld struct {
	lines      map[blocklists.ListID][]string // of lists, as JSON Lines
	own        []bundle.Own                   // of kids and of the operator
	others     []bundle.Own                   // of teens
	exceptions []blocklists.Exception
	kids       profile.Config
	service    bool // kids switched off one that has the name
	pass       bool // the child has one for the first security list's entry of the name
}

func (w *pairWorld) line(id blocklists.ListID, subject, more string) {
	key := "name"
	if _, err := netip.ParseAddr(subject); err == nil {
		key, subject = "prefix", subject+"/32"
	}
	w.lines[id] = append(w.lines[id], fmt.Sprintf(`{%q: %q%s}`, key, subject, more))
}

// joined are the names of each kind, whoever has them.
func joined(owns ...bundle.Own) []bundle.Own {
	var kinds []bundle.Own
	for _, own := range owns {
		at := slices.IndexFunc(kinds, func(known bundle.Own) bool { return known.Kind == own.Kind })
		if at < 0 {
			kinds = append(kinds, bundle.Own{Kind: own.Kind})
			at = len(kinds) - 1
		}
		kinds[at].Names = append(kinds[at].Names, own.Names...)
	}
	for i := range kinds {
		slices.Sort(kinds[i].Names)
		kinds[i].Names = slices.Compact(kinds[i].Names)
	}
	return kinds
}

// pairRules are the kinds of rules that testdata/precedence.md pairs, by the words that it
// has for them.
func pairRules() map[string]func(*pairWorld) {
	const lets = `, "scope": "exact", "action": "passthru"`
	says := func(id blocklists.ListID, subject, more string) func(*pairWorld) {
		return func(w *pairWorld) { w.line(id, subject, more) }
	}
	except := func(id, name string) func(*pairWorld) {
		return func(w *pairWorld) { w.exceptions = append(w.exceptions, decided(id, name)) }
	}
	owns := func(own bundle.Own) func(*pairWorld) { return func(w *pairWorld) { w.own = append(w.own, own) } }
	others := func(own bundle.Own) func(*pairWorld) {
		return func(w *pairWorld) { w.others = append(w.others, own) }
	}
	asks := func(change func(*profile.Config)) func(*pairWorld) {
		return func(w *pairWorld) { change(&w.kids) }
	}
	noon := []profile.Window{{Days: []string{"mon"}, From: "11:00", To: "13:00"}}
	return map[string]func(*pairWorld){
		"law":                      says("court", pairName, ""),
		"second law":               says("regulator", pairName, ""),
		"foreign law":              says("foreign", pairName, ""),
		"ended law":                says("ended", pairName, ""),
		"coming law":               says("coming", pairName, `, "from": "2026-12-01T00:00:00Z"`),
		"held law":                 says("held-law", pairName, ""),
		"law on alias":             says("court", pairAlias, ""),
		"law exemption":            says("court", pairName, lets),
		"decided for law":          except("court", pairName),
		"decided for law's alias":  except("court", pairAlias),
		"operator exempts":         owns(exempt(pairName)),
		"operator exempts alias":   owns(exempt(pairAlias)),
		"security":                 says("cert", pairName, ""),
		"second security":          says("feed", pairName, ""),
		"security on alias":        says("cert", pairAlias, ""),
		"security on address":      says("addresses", pairAddress, ""),
		"held security":            says("held-security", pairName, ""),
		"shadow security":          says("shadow", pairName, ""),
		"security exemption first": says("lets-first", pairName, lets),
		"security exemption last":  says("lets-last", pairName, lets),
		"decided for security":     except("cert", pairName),
		"allow":                    owns(allow(pairName)),
		"allow on alias":           owns(allow(pairAlias)),
		"deny":                     owns(deny(pairName)),
		"allow of another":         others(allow(pairName)),
		"deny of another":          others(deny(pairName)),
		"user":                     says("chosen", pairName, ""),
		"second user":              says("also-chosen", pairName, ""),
		"user not chosen":          says("not-chosen", pairName, ""),
		"user on alias":            says("chosen", pairAlias, ""),
		"user exemption first":     says("user-lets-first", pairName, lets),
		"user exemption last":      says("user-lets-last", pairName, lets),
		"user exemption unchosen":  says("user-lets-unchosen", pairName, lets),
		"decided for user":         except("chosen", pairName),
		"pass":                     func(w *pairWorld) { w.pass = true },
		"no passes":                asks(func(c *profile.Config) { c.Passes = "off" }),
		"service":                  func(w *pairWorld) { w.service = true },
		"help":                     owns(bundle.Own{Kind: bundle.Help, Names: parsed([]string{pairName})}),
		"safe search":              asks(func(c *profile.Config) { c.SafeSearch.Bing = true }),
		"filters rest":             asks(func(c *profile.Config) { c.Schedule.Timezone, c.Schedule.Off = "UTC", noon }),
		"filters pause": asks(func(c *profile.Config) {
			c.Pause = profile.Pause{Of: profile.PauseFilters, Until: today.Add(time.Hour)}
		}),
		"offline hours":   asks(func(c *profile.Config) { c.Schedule.Timezone, c.Schedule.Offline = "UTC", noon }),
		"extra half hour": asks(func(c *profile.Config) { c.Extra = today.Add(30 * time.Minute) }),
		"internet pause": asks(func(c *profile.Config) {
			c.Pause = profile.Pause{Of: profile.PauseInternet, Until: today.Add(time.Hour)}
		}),
	}
}

// pairLists are the lists that rules put their lines into, in file order.
func pairLists() []list {
	return []list{
		law("court"), law("regulator"),
		law("foreign").with(func(m *blocklists.Manifest) { m.Jurisdiction = []string{"FR"} }),
		law("ended").with(func(m *blocklists.Manifest) { m.Expires = today.Add(-time.Hour) }),
		law("coming"), law("held-law"),
		security("lets-first"), security("cert").with(passable), security("feed"),
		security("addresses").with(func(m *blocklists.Manifest) { m.Match = []string{"address"} }),
		security("held-security"),
		security("shadow").with(func(m *blocklists.Manifest) { m.Shadow = true }),
		security("lets-last"),
		user("user-lets-unchosen").with(func(m *blocklists.Manifest) { m.Category = "adult" }),
		user("user-lets-first"), user("chosen"), user("also-chosen"), user("user-lets-last"),
		user("not-chosen").with(func(m *blocklists.Manifest) { m.Category = "adult" }),
	}
}

func (w *pairWorld) snapshot(t *testing.T) *policy.Snapshot {
	t.Helper()
	kids, teens := w.profiles(t)
	own := slices.Concat(profile.Own([]*profile.Profile{kids, teens}, nil), w.own)
	made := snapshot(t, compileLines(t, pairLists(), w.lines, joined(own...)...), w.exceptions...)
	made.Clients = tableOf(t, kids, teens)
	made.Passes = pass.New(pass.RandomKey, nil)
	if w.pass && slices.ContainsFunc(w.lines["cert"], func(line string) bool { return strings.Contains(line, pairName) }) {
		givePass(t, made, child, pairName, time.Hour)
	}
	return made
}

// profiles are those of the household that asks, and of another.
func (w *pairWorld) profiles(t *testing.T) (kids, teens *profile.Profile) {
	t.Helper()
	mine, others := w.kids, profile.Config{ID: "teens"}
	mine.ID, mine.Categories, mine.Requested = "kids", []string{"gambling"}, profile.Requested{By: "account-42", At: today}
	gambling := user("chosen").Manifest
	profiles, problems := profile.NewProfiles([]profile.Config{mine, others}, []*blocklists.Manifest{&gambling})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	kids, teens = profiles[0], profiles[1]
	give(kids, w.own)
	give(teens, w.others)
	if w.service {
		kids.Services = []*profile.Service{{ID: "shop", Title: "Shop", Names: parsed([]string{pairName})}}
	}
	return kids, teens
}

// pairWord is what the table calls the rule that decided.
func pairWord(verdict *policy.Verdict) string {
	if verdict.Primary == nil {
		return verdictWord(verdict.Action)
	}
	words := map[string]string{
		"court": "law", "regulator": "second law", "foreign": "foreign law", "court alias": "law on alias",
		"cert": "security", "feed": "second security", "cert alias": "security on alias", "addresses address": "security on address",
		"chosen": "user", "also-chosen": "second user", "not-chosen": "user not chosen",
	}
	roles := map[policy.Role]string{
		policy.OperatorException: "operator exempts", policy.HelpName: "help", policy.ProfileAllow: "allow", policy.ProfileDeny: "deny",
		policy.Service: "service", policy.SafeSearch: "safe search", policy.Offline: "offline hours", policy.Pause: "internet pause",
	}
	if word := roles[verdict.Primary.Role]; word != "" {
		return verdictWord(verdict.Action) + ": " + word
	}
	place := string(verdict.Primary.Entry.List)
	switch verdict.Primary.Link.Kind {
	case resolver.Alias:
		place += " alias"
	case resolver.Address:
		place += " address"
	}
	word := words[place]
	if word == "" {
		word = "a rule of no name: " + place
	}
	return verdictWord(verdict.Action) + ": " + word
}

func verdictWord(action policy.Action) string {
	return map[policy.Action]string{policy.Pass: "passes", policy.Block: "blocked", policy.Rewrite: "rewritten"}[action]
}

// pairClients are the columns of the table.
func pairClients() []netip.Addr { return []netip.Addr{child, italian, french} }

// pairRow is a row of the table: what becomes of the name where both rules stand.
type pairRow struct {
	line  int
	rules [2]string // the second is "" where the first stands alone
	want  []string  // by client
}

// readPairs reads the tables of a Markdown file: a heading names a rule, and each row below
// it another one with what becomes of the name for each client.
func readPairs(t *testing.T) []pairRow {
	t.Helper()
	file, err := os.Open("testdata/precedence.md")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var rows []pairRow
	heading, number := "", 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		number++
		if title, found := strings.CutPrefix(lines.Text(), "### "); found {
			heading = title
		}
		cells := strings.Split(lines.Text(), "|")
		if heading == "" || len(cells) != 3+len(pairClients()) || strings.Contains(cells[1], "---") || strings.TrimSpace(cells[1]) == "and" {
			continue
		}
		row := pairRow{line: number, rules: [2]string{heading, strings.TrimSpace(cells[1])}}
		if row.rules[1] == "alone" {
			row.rules[1] = ""
		}
		for _, cell := range cells[2 : len(cells)-1] {
			row.want = append(row.want, strings.TrimSpace(cell))
		}
		rows = append(rows, row)
	}
	return rows
}

// TestEveryPairOfRules: where two rules are about one name, the one of them decides that
// testdata/precedence.md says, for the explanation and for the stage of the query path.
func TestEveryPairOfRules(t *testing.T) {
	rules, seen := pairRules(), map[[2]string]int{}
	for _, row := range readPairs(t) {
		both := row.rules
		slices.Sort(both[:])
		if earlier := seen[both]; earlier != 0 {
			t.Errorf("testdata/precedence.md:%d: %q is line %d already", row.line, row.rules, earlier)
		}
		seen[both] = row.line
		w := &pairWorld{lines: map[blocklists.ListID][]string{}}
		for _, rule := range row.rules {
			switch add := rules[rule]; {
			case add != nil:
				add(w)
			case rule != "":
				t.Fatalf("testdata/precedence.md:%d: there is no rule %q", row.line, rule)
			}
		}
		row.check(t, w.snapshot(t))
	}
	names := slices.Sorted(maps.Keys(rules))
	for i, name := range names {
		for _, other := range append([]string{""}, names[:i]...) {
			if seen[[2]string{other, name}] == 0 {
				t.Errorf("testdata/precedence.md has no row for %q with %q", name, other)
			}
		}
	}
}

func (r *pairRow) check(t *testing.T, s *policy.Snapshot) {
	t.Helper()
	asked := links(pairName, pairAlias)
	asked = append(asked, resolver.Link{Kind: resolver.Address, Addr: netip.MustParseAddr(pairAddress)})
	for i, client := range pairClients() {
		asking := query(client, pairName, dns.TypeA).Client
		verdict := policy.JudgeClient(s, asked, who(t, s, client), asking, today)
		if got := pairWord(&verdict); got != r.want[i] {
			t.Errorf("testdata/precedence.md:%d: %q and %q for %s: %q, want %q\n%s", r.line, r.rules[0], r.rules[1], client, got, r.want[i], strings.Join(verdict.Because, "\n"))
		}
		what := fmt.Sprintf("testdata/precedence.md:%d: %q for %s", r.line, r.rules, client)
		checkStage(t, s, client, true, &verdict, what+", kept")
		// What withholds the name itself does so before anybody knows what the name leads to.
		if early := policy.JudgeClient(s, asked[:1], who(t, s, client), asking, today); early.Action != policy.Pass {
			verdict = early
		}
		checkStage(t, s, client, false, &verdict, what)
	}
}

// checkStage asks through the stage again and again: it does, explains and counts what the
// verdict says.
func checkStage(t *testing.T, s *policy.Snapshot, client netip.Addr, kept bool, verdict *policy.Verdict, what string) {
	t.Helper()
	q := query(client, pairName, dns.TypeA)
	next := &pairBelow{below: below{answer: reply(t, q, pairName+". 300 IN CNAME "+pairAlias+".", pairAlias+". 300 IN A "+pairAddress)}}
	if kept {
		next.cached = slot(next.answer)
	}
	next.safe = reply(t, query(client, pairSafe, dns.TypeA), pairSafe+". 300 IN A 192.0.2.9")
	stage, _, counts := filter(s, next)
	const times = 3
	for range times {
		answer, err := stage.Resolve(t.Context(), query(client, pairName, dns.TypeA))
		if err != nil {
			t.Fatal(err)
		}
		if got := errorCode(answer); got != wantedCode(verdict) {
			t.Errorf("%s: the stage says %d, the explanation %d", what, got, wantedCode(verdict))
		}
	}
	counted, wanted := counts.blocks(), map[blocklists.ListID]int{}
	maps.DeleteFunc(counted, func(id blocklists.ListID, _ int) bool { return strings.HasPrefix(string(id), "would:") })
	if verdict.Action != policy.Pass {
		wanted[countedAs(verdict.Primary)] = times
	}
	if !maps.Equal(counted, wanted) {
		t.Errorf("%s: the stage counted %v, not %v", what, counted, wanted)
	}
}

// pairBelow knows what safe search leads to as well.
type pairBelow struct {
	below
	safe *resolver.Answer
}

func (b *pairBelow) Resolve(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
	if query.Question.Name == wire.MustName(pairSafe) {
		return b.safe, nil
	}
	return b.below.Resolve(ctx, query)
}

func countedAs(match *policy.Match) blocklists.ListID {
	switch match.Role {
	case policy.ProfileDeny:
		return policy.OwnList
	case policy.Service:
		return policy.ServiceList
	case policy.SafeSearch:
		return policy.SearchList
	case policy.Offline, policy.Pause:
		return policy.OfflineList
	}
	return match.Entry.List
}

// errorCode is the Extended DNS Error of a blocked answer, 0 for the real one.
func errorCode(answer *resolver.Answer) uint16 {
	if answer.Origin != resolver.Policy {
		return 0
	}
	return uint16(answer.Extended[0].Code)
}

func wantedCode(verdict *policy.Verdict) uint16 {
	switch {
	case verdict.Action == policy.Pass:
		return 0
	case verdict.Primary.Role == policy.SafeSearch:
		return uint16(resolver.ForgedAnswer)
	}
	return map[blocklists.Purpose]uint16{blocklists.Law: 16, blocklists.Security: 15, blocklists.User: 17}[verdict.Primary.Purpose()]
}
