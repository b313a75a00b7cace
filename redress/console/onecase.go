package console

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/reasoning"
	"github.com/recourse-dns/recourse/redress"
)

// caseContent is one case on one page, facts first.
type caseContent struct {
	said
	ID        redress.CaseID
	Name      string
	Facts     facts
	Matches   table
	LeftOut   string
	Retests   table
	Relief    string // why the last look at the site did not unblock it
	Party     facts
	Reasoning reasoning.Branch
	Explain   string
	History   table
	Linked    table
	Works     works
	Measure   facts // of a warning or suspension
	Typed     casework
}

func (v *visit) showCase() {
	one, is := v.theCase()
	if !is {
		return
	}
	content := v.casePage(one)
	content.Done = v.done()
	v.show(http.StatusOK, "case", "Case "+string(one.ID), &content)
}

func (v *visit) casePage(one *redress.Case) caseContent {
	name, now := one.Contested(), time.Now()
	snapshot := v.Snapshot()
	content := caseContent{ID: one.ID, Name: name.String(), Explain: (&question{Name: name.String()}).path(), LeftOut: v.leftOut(), Works: v.worksOn(one), Measure: measureFacts(one)}
	matches := snapshot.Matches(name)
	content.Facts = v.caseFacts(one, matches, now)
	content.Matches = v.matchTable(matches)
	content.Party = v.partyFacts(one)
	if said, err := v.reasoning(snapshot, name, policy.Subject{}, now); err != nil {
		content.Reasoning = reasoning.Branch{Text: err.Error()}
	} else {
		content.Reasoning = said.Tree()
	}
	content.Retests, content.Relief = retests(one)
	content.History = v.historyTable(one)
	content.Linked = table{Caption: "Cases of the same filing", Columns: []string{"Case"}, Empty: "No other case belongs to the filing."}
	for _, linked := range one.Linked {
		content.Linked.add(link(casePath(linked), string(linked)))
	}
	for _, other := range one.Elsewhere {
		content.Linked.add(link(casePath(other.ID), string(other.ID)+", of another filing"))
	}
	return content
}

func (v *visit) caseFacts(one *redress.Case, matches []policy.Match, now time.Time) facts {
	var f facts
	f.add("Implementation", text(words("track", one.Implementation.State)), openUntil(one.Implementation, now))
	f.add("Merits", text(words("track", one.Merits.State)), openUntil(one.Merits, now))
	if one.Entry == nil {
		f.add("Contested entry", text("none: nothing covered the name when it was filed"))
	} else {
		f.add("Contested entry", badge(one.Entry.Purpose), named(one.Entry.Name.String()), text(one.Entry.Scope.String()+", list "+string(one.Entry.List)), text("code "+one.Entry.Code.String()))
		f.add("In the list’s current source", inSource(one.Entry, matches))
		f.add("The order says", v.orderSays(one.Entry))
	}
	f.add("Resolves unfiltered", text(yesNo(v.Reach.Resolves(v.r.Context(), one.Contested()))))
	v.gathered(one, &f, now)
	return f
}

// gathered adds what the desk knows beside the entry: who else filed, how popular the name is, which feeds have it.
func (v *visit) gathered(one *redress.Case, f *facts, now time.Time) {
	known, err := v.Desk.Facts(v.r.Context(), v.Actor, one.ID)
	if err != nil {
		f.add("More", bad("what else is known could not be gathered: try again"))
		return
	}
	f.add("Other filings about the name", text(formatted("%d", known.Duplicates.Filings)), moment(known.Duplicates.Last), link("/console/cases?"+url.Values{"name": {one.Filing.Name.String()}}.Encode(), "All its cases"))
	popularity := text("not among the popular names that are known")
	if known.Rank != 0 {
		popularity = text(formatted("rank %d", known.Rank))
	}
	f.add("Popularity", popularity)
	f.add("A safeguard would hold it", text(strings.TrimSpace(known.Safeguard+" "+known.Why)))
	f.add("Security feeds of different publishers", text(formatted("%d", known.Feeds)))
	f.add("Registered since", moment(known.Registered))
	f.add("On a list since", moment(known.FirstSeen))
	switch {
	case !known.Registered.IsZero():
		f.add("Age", text(clock(now.Sub(known.Registered))))
	case !known.FirstSeen.IsZero():
		f.add("Age", text("at least "+clock(now.Sub(known.FirstSeen))))
	default:
		f.add("Age", text("not known"))
	}
}

// retests is the last look at the site, and why that unblocked nothing.
func retests(one *redress.Case) (made table, why string) {
	made = table{Caption: "The site, tested again", Empty: "Nobody has looked at the site again yet.", Columns: []string{"When", "From", "As", "Clean", "What was seen"}}
	for _, event := range one.Events {
		if event.Kind != redress.RetestedEvent || event.Content.Triage == nil {
			continue
		}
		made.Rows, why = nil, event.Content.Triage.Why
		for _, look := range event.Content.Triage.Retest {
			made.add(moment(look.At), text(look.From), text(look.Agent), text(yesNo(look.Clean)), long(look.Detail))
		}
	}
	return made, why
}

func openUntil(track redress.Track, now time.Time) cell {
	if !track.Waits() {
		return cell{}
	}
	return due(track.Deadline, now)
}

// inSource says whether the entry is still in what its list brought last, and at which line.
func inSource(entry *redress.Entry, matches []policy.Match) cell {
	for i := range matches {
		if match := &matches[i]; isEntry(match, entry) {
			return text("yes, " + lineOf(&match.Entry))
		}
	}
	return bad("no: the list does not have it any more, or never had it for this name")
}

// partyFacts are what the party wrote. Its contact is shown to who decided, when it is decided, so that
// nobody decides by a name.
func (v *visit) partyFacts(one *redress.Case) facts {
	var f facts
	filing := &one.Filing
	f.add("Filed", moment(filing.At), text("by "+words("party", filing.Role)))
	control := text("not proved")
	if !filing.Verified.IsZero() {
		control = text("proved by " + filing.Method)
	}
	f.add("Control of the name", control, moment(filing.Verified))
	f.add("Language", text(filing.Language))
	contact := ""
	for _, event := range one.Events {
		if event.Kind == redress.FiledEvent {
			f.add("Explanation", long(one.Text(event, redress.Explanation)))
			contact = one.Text(event, redress.Contact)
		}
	}
	switch {
	case v.hasDecided(one):
		f.add("Contact", text(contact))
	case v.Role != auditor:
		f.add("Contact", text("hidden until you have decided"))
	}
	return f
}

// hasDecided says whether the visitor answered a question of the case.
func (v *visit) hasDecided(one *redress.Case) bool {
	for _, event := range one.Events {
		if event.Kind == redress.DecidedEvent && event.Actor.Name == v.Actor.Name && event.Actor.Role == v.Role {
			return true
		}
	}
	return false
}

// historyTable is all that happened, the oldest first.
func (v *visit) historyTable(one *redress.Case) table {
	made := table{Caption: "What has happened, the oldest first", Empty: "Nothing has happened.", Columns: []string{"When", "What", "Who", "Facts and ground"}}
	for _, event := range one.Events {
		what := []cell{text(words("event", event.Kind))}
		if event.Content.Outcome != "" {
			what = append(what, text(words("question", event.Content.Question)+" "+string(event.Content.Outcome)))
		}
		if event.Content.NarrowTo != "" {
			what = append(what, text("to"), named(event.Content.NarrowTo))
		}
		if event.Kind == redress.DossierEvent {
			what = append(what, text(map[string]string{"mail": "is sent by mail", "by_hand": "is to be sent by a person"}[event.Content.Method]))
		}
		if event.Content.Node != "" {
			what = append(what, text("not in force in time at node "+event.Content.Node))
		}
		if event.Content.Generation != 0 {
			what = append(what, text(formatted("generation %d", event.Content.Generation)))
		}
		made.add(moment(event.At), several(what...), actorCell(event.Actor),
			v.eventTexts(one, event))
	}
	return made
}

// eventTexts are what was written with an event; what the party wrote when it filed stands with the party.
func (v *visit) eventTexts(one *redress.Case, event redress.Event) cell {
	var said []cell
	for _, kind := range []redress.TextKind{redress.Facts, redress.Ground, redress.Explanation} {
		if text := one.Text(event, kind); text != "" && event.Kind != redress.FiledEvent {
			said = append(said, long(text))
		}
	}
	if event.Content.Body != "" {
		said = append(said, text(event.Content.Body+", "+event.Content.Ref))
	}
	if len(said) == 0 {
		return cell{}
	}
	return several(said...)
}

func actorCell(actor redress.Actor) cell {
	if actor.Role == redress.Party || actor.Role == redress.System {
		return text(words("role", actor.Role))
	}
	return text(actor.Name + ", " + words("role", actor.Role))
}

// eventTable is what happened to an order.
func (v *visit) eventTable(events []redress.Event) table {
	made := table{Caption: "What has happened, the oldest first", Empty: "Nothing has happened.", Columns: []string{"When", "What", "Who", "Names", "Why"}}
	for _, event := range events {
		names, why := cell{}, cell{}
		if facts := event.Content.Order; facts != nil {
			names, why = number(facts.Names), several(long(facts.Why), text(facts.Decision))
		}
		made.add(moment(event.At), text(words("event", event.Kind)), actorCell(event.Actor), names, why)
	}
	return made
}
