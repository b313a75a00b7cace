package policy

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/pass"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/policy/rewrite"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Judge says what policy does with a question whose links are known, and why. It
// is pure, and decides as the [Filter] does, which leaves the explaining out. The
// names of other profiles are not among the matches.
func Judge(s *Snapshot, links []resolver.Link, who profile.Who, at time.Time) Verdict {
	return judge(s, links, who, resolver.Client{}, at)
}

// judge is Judge for a client that may have passes.
func judge(s *Snapshot, links []resolver.Link, who profile.Who, client resolver.Client, at time.Time) Verdict {
	if len(links) == 0 {
		return Verdict{Because: []string{"there is no name to judge"}}
	}
	found := hits{links: []resolver.Link{}}
	for _, link := range links {
		if err := found.match(s.Bundle, link); err != nil {
			return Verdict{Action: Block, Because: []string{"the lists cannot be read, so nothing passes: " + err.Error()}}
		}
	}
	h := newHearing(s, links[0].Name, found, who, at)
	h.caller = pass.ClientOf(client)
	var verdict Verdict
	var indices []int // of the hits, as the verdict's matches
	decided, primary := noHit, -1
	if winner, found := h.decide(); found {
		decided = winner
	}
	add := func(i int, match Match) {
		if i == decided {
			primary = len(verdict.Matches)
		}
		verdict.Matches, indices = append(verdict.Matches, match), append(indices, i)
		verdict.Because = append(verdict.Because, sentenceOf(&match))
	}
	withholds := h.phase.Withholds()
	for _, i := range h.order() {
		if withholds && h.step(i) > stepOffline {
			add(offlineHit, h.explainedOffline())
			withholds = false
		}
		if h.weigh(i) != otherProfile {
			add(i, h.explained(i))
		}
	}
	if withholds {
		add(offlineHit, h.explainedOffline())
	}
	if primary >= 0 {
		verdict.Primary = &verdict.Matches[primary]
		others := h.also(decided)
		verdict.Primary.Also = s.also(&others)
		verdict.Action = actionOf(h.step(decided), verdict.Primary)
	}
	verdict.Because = append(verdict.Because, verdict.conclusion())
	verdict.Steps = h.steps(&verdict, indices, decided)
	return verdict
}

// noHit is no hit, and not [offlineHit] either.
const noHit = -2

// explainedOffline is the hour as a match.
func (h *hearing) explainedOffline() Match {
	match := h.offline()
	match.Because = counting(&match)
	return match
}

// explained is the match with what its standing means for this client.
func (h *hearing) explained(i int) Match {
	list, standing := h.list(i), h.weigh(i)
	match := h.matched(i)
	match.Action = h.action(i)
	match.StandIn = h.snapshot.standIn(&match)
	match.Counts = standing == counts
	if standing == excepted || standing == exempted {
		if list.Manifest != nil {
			match.Exception = h.covering(i, list)
		}
	}
	match.Because = h.because(standing, &match)
	return match
}

// actionOf is what a verdict does whose match decides at a step.
func actionOf(step step, match *Match) Action {
	switch {
	case !step.blocks():
		return Pass
	case match.Action == blocklists.LocalData, match.StandIn != "", match.Role == SafeSearch:
		return Rewrite
	}
	return Block
}

func (h *hearing) because(standing standing, match *Match) string {
	switch standing {
	case excepted:
		return excepting(match.Exception)
	case outOfDate:
		return outOfDateBecause(match, h.at)
	case disabled:
		return "does not count: the list's override is disabled"
	case notRead:
		return fmt.Sprintf("does not count: the list does not judge a %s", kindWord(match.Link.Kind))
	case elsewhere:
		return fmt.Sprintf("does not count: in force in %s, and the client is in %s", strings.Join(match.Jurisdiction(), ", "), orNone(h.who.Jurisdiction))
	case exempted:
		return "does not count: the operator exempts the name"
	case exemptsLink:
		return "exempts this alias, not the question that leads to it"
	case notChosen:
		return fmt.Sprintf("does not count: the client has not asked for category %s", match.Manifest.Category)
	case heldBack:
		return "does not count: " + match.Hold.String()
	case unreviewed:
		return "does not count: its review was due on " + match.ReviewBy.Format(time.DateOnly) + " and nobody has confirmed it"
	case notInShare:
		return fmt.Sprintf("does not count: new, and in force for %s of the clients until %s", match.Manifest.Stage.Share,
			match.Entry.FirstSeen.Add(match.Manifest.Stage.For).Format(time.RFC3339))
	case halted:
		return "does not count: new, and halted since its list blocked too much"
	case passed:
		return "does not count: a pass lets this client by until " + h.passUntil.UTC().Format(time.DateTime)
	case shadowed:
		return "does not count: the list is in shadow mode; it would count"
	case resting:
		return "does not count: the profile's filters rest" + untilText(h.phase.Until)
	case otherType:
		return "does not count: safe search answers for addresses and service bindings alone"
	case questionsAlone:
		return "does not count: what a client asked for judges the question and no alias"
	}
	return counting(match)
}

func outOfDateBecause(match *Match, at time.Time) string {
	if int64(match.Entry.From) > at.Unix() {
		return "does not count: begins on " + time.Unix(int64(match.Entry.From), 0).UTC().Format(time.DateTime)
	}
	if own := match.Entry.Until; own != 0 && int64(own) <= at.Unix() {
		return "does not count: ended on " + time.Unix(int64(own), 0).UTC().Format(time.DateTime)
	}
	return "does not count: the list expired on " + match.Manifest.Expires.UTC().Format(time.DateOnly)
}

func orNone(jurisdiction string) string {
	if jurisdiction == "" {
		return "no jurisdiction"
	}
	return jurisdiction
}

func excepting(exception *blocklists.Exception) string {
	switch {
	case exception == nil:
		return "does not count: an exception covers it"
	case exception.Kind == blocklists.Operator:
		return fmt.Sprintf("does not count: the operator exempts %s", exception.Name)
	case exception.Case == "":
		return fmt.Sprintf("does not count: an exception for %s was decided on %s", exception.Name, exception.At.UTC().Format(time.DateOnly))
	}
	return fmt.Sprintf("does not count: case %s decided an exception for %s on %s", exception.Case, exception.Name, exception.At.UTC().Format(time.DateOnly))
}

// counting is why a match that counts does.
func counting(match *Match) string {
	switch match.Role {
	case OperatorException:
		return "the operator exempts the name from all but law"
	case ProfileAllow:
		return fmt.Sprintf("profile %s allows the name", match.Profile)
	case ProfileDeny:
		return fmt.Sprintf("profile %s denies the name", match.Profile)
	case Service:
		return fmt.Sprintf("profile %s withholds %s", match.Profile, match.Label)
	case SafeSearch:
		return fmt.Sprintf("profile %s wants safe search of %s: answered with %s", match.Profile, match.Label, targetText(&match.Target))
	case HelpName:
		return "a name of help: nothing that a user asked for withholds it"
	case Offline:
		return fmt.Sprintf("profile %s is offline at this hour%s", match.Profile, untilText(match.Lasts))
	case Pause:
		return fmt.Sprintf("profile %s is paused%s", match.Profile, untilText(match.Lasts))
	}
	if match.Action == blocklists.Passthru {
		return letsPass(match.Manifest.Purpose)
	}
	switch match.Manifest.Purpose {
	case blocklists.Law:
		return fmt.Sprintf("counts: law in force in %s, ordered by %s", strings.Join(match.Jurisdiction(), ", "), match.Authority().Name)
	case blocklists.Security:
		return fmt.Sprintf("counts: security, category %s", match.Manifest.Category)
	}
	return fmt.Sprintf("counts: the client asked for category %s", match.Manifest.Category)
}

func untilText(until time.Time) string {
	if until.IsZero() {
		return ""
	}
	return ", at least until " + until.Format(time.RFC3339)
}

func targetText(target *rewrite.Target) string {
	if target.Alias != "" {
		return target.Alias.String()
	}
	return target.Addr.String()
}

// letsPass is what a passthru of a list does.
func letsPass(purpose blocklists.Purpose) string {
	if purpose == blocklists.Law {
		return "counts: takes the name out of this list"
	}
	return fmt.Sprintf("counts: lets the name pass the %s lists", purpose)
}

// sentenceOf is a match's line in the reasoning: where, what, why.
func sentenceOf(match *Match) string {
	var text strings.Builder
	switch match.Role {
	case Feed:
		if match.Entry.Order != "" {
			fmt.Fprintf(&text, "list %s, order %s: ", match.Entry.List, plain(match.Entry.Order))
			break
		}
		fmt.Fprintf(&text, "list %s, line %d: ", match.Entry.List, match.Entry.Line)
	case OperatorException:
		text.WriteString("operator: ")
	case HelpName:
		text.WriteString("help names: ")
	default:
		fmt.Fprintf(&text, "profile %s: ", match.Profile)
	}
	text.WriteString(match.Entry.Subject())
	if !match.Entry.Trigger.ByAddress() {
		fmt.Fprintf(&text, " (%s)", match.Entry.Scope)
	}
	if match.Link.Kind != resolver.Asked {
		fmt.Fprintf(&text, " covers the %s", match.Covers())
	}
	return text.String() + ": " + match.Because
}

// Covers says in words what of the question the match covers.
func (m *Match) Covers() string { return kindWord(m.Link.Kind) + " " + m.Link.String() }

// kindWord is what a link is called in a sentence.
func kindWord(kind resolver.LinkKind) string {
	switch kind {
	case resolver.Asked:
		return "question"
	case resolver.Alias:
		return "alias"
	case resolver.Address:
		return "address"
	case resolver.Hint:
		return "hinted address"
	case resolver.Nameserver:
		return "name server"
	case resolver.NameserverAddress:
		return "name server's address"
	}
	return "client's address"
}

func (v *Verdict) conclusion() string {
	switch {
	case len(v.Matches) == 0:
		return "passes: no entry covers the name"
	case v.Primary == nil:
		return "passes: nothing that covers the name counts for this client"
	case v.Action == Pass && v.Primary.Role == OperatorException:
		return "passes: the operator's exception decides"
	case v.Action == Pass && v.Primary.Role == HelpName:
		return "passes: the help names decide"
	case v.Action == Pass && v.Primary.Role == ProfileAllow:
		return fmt.Sprintf("passes: profile %s decides", v.Primary.Profile)
	case v.Primary.Role == SafeSearch:
		return fmt.Sprintf("rewritten: profile %s decides, code %s", v.Primary.Profile, v.Primary.Code)
	case v.Primary.Role != Feed && v.Action != Pass:
		return fmt.Sprintf("blocked: profile %s decides, code %s", v.Primary.Profile, v.Primary.Code)
	}
	done := "blocked"
	switch v.Primary.Action {
	case blocklists.Drop:
		done = "dropped"
	case blocklists.TCPOnly:
		done = "sent to TCP"
	case blocklists.LocalData:
		done = "rewritten"
	}
	if v.Primary.StandIn != "" {
		done = "rewritten, with what resolver.zones has for " + v.Primary.StandIn.String()
	}
	text := fmt.Sprintf(done+": list %s decides, purpose %s, code %s", v.Primary.Entry.List, v.Primary.Purpose(), v.Primary.Code)
	if v.Primary.Manifest.Answer == blocklists.Page {
		text += "; answered with the addresses of the block page"
	}
	return text
}

// Why a question cannot be explained.
var (
	ErrNotAdmitted = errors.New("no row of clients has the address: it is refused")
	ErrNoProfile   = errors.New("no such profile")
)

// chosenBy says by what a client has its profile, where that is not the row that admits it.
func chosenBy(who *profile.Who) string {
	switch who.Chosen {
	case profile.ByRow:
		return fmt.Sprintf(", chosen by clients[%d]", who.Chooser)
	case profile.ByDevice:
		return ", chosen by the device's own name"
	case profile.ByBinding:
		return ", bound to the address over the API"
	case profile.ByDefault:
		return ", by default for whom nothing else is known of"
	case profile.ByNetwork:
	}
	return ""
}

// Subject is for whom a name is explained.
type Subject struct {
	Client  resolver.Client // without an address: of no jurisdiction and no profile
	Profile string          // instead of the one that the client has; "" for that one
}

// Explain judges a name, without aliases, for a client that need not be there.
func (s *Snapshot) Explain(name wire.Name, subject Subject, at time.Time) (Verdict, error) {
	var who profile.Who
	about := "client: none given, so no jurisdiction"
	if addr := subject.Client.Addr; addr.IsValid() {
		var admitted bool
		if who, admitted = s.Clients.Who(subject.Client, at); !admitted {
			return Verdict{}, fmt.Errorf("client %s: %w", addr, ErrNotAdmitted)
		}
		about = fmt.Sprintf("client %s: clients[%d] binds it to %s", addr, who.Row, orNone(who.Jurisdiction))
		if who.Row < 0 {
			about = fmt.Sprintf("client %s: a device of its own, admitted from anywhere, bound to none", addr)
		}
	}
	if subject.Profile != "" {
		if who.Profile = s.Clients.Profile(subject.Profile); who.Profile == nil {
			return Verdict{}, fmt.Errorf("profile %q: %w", subject.Profile, ErrNoProfile)
		}
	}
	if who.Profile != nil {
		about += ", profile " + who.Profile.ID
	}
	if subject.Profile == "" {
		about += chosenBy(&who)
	}
	links := []resolver.Link{{Name: name}}
	if addr := subject.Client.Addr; addr.IsValid() {
		links = append(links, resolver.Link{Kind: resolver.Asker, Addr: addr})
	}
	verdict := judge(s, links, who, subject.Client, at)
	if err := s.Bundle.Err(); err != nil {
		return Verdict{}, err
	}
	verdict.Because = append([]string{about}, verdict.Because...)
	verdict.Steps = append([]Step{{Name: AskingStep, Says: about}}, verdict.Steps...)
	verdict.Answered = s.answered(&verdict, name, at)
	return verdict, nil
}
