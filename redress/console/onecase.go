package console

import (
	"net/http"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/reasoning"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/page"
)

// caseContent is one case on one page, facts first.
type caseContent struct {
	ID        redress.CaseID
	Name      string
	Done      string
	Mistakes  page.Mistakes
	Facts     facts
	Matches   table
	Party     facts
	Reasoning reasoning.Branch
	Explain   string
	LeftOut   string
	History   table
	Linked    table
}

func (v *visit) showCase() {
	id, is := redress.ParseCaseID(v.r.PathValue("id"))
	if !is {
		v.fail(redress.ErrNotFound)
		return
	}
	found, err := v.Desk.Review(v.r.Context(), v.Actor, id)
	if err != nil {
		v.fail(err)
		return
	}
	content := v.casePage(found)
	v.show(http.StatusOK, "case", "Case "+string(id), &content)
}

func (v *visit) casePage(one *redress.Case) caseContent {
	name, now := one.Filing.Name, time.Now()
	snapshot := v.Snapshot()
	content := caseContent{ID: one.ID, Name: name.String(), Explain: (&question{Name: name.String()}).path(), LeftOut: v.leftOut()}
	matches := snapshot.Matches(name)
	content.Facts = v.caseFacts(one, matches, now)
	content.Matches = v.matchTable(matches)
	content.Party = v.partyFacts(one)
	if said, err := v.reasoning(snapshot, name, policy.Subject{}, now); err != nil {
		content.Reasoning = reasoning.Branch{Text: err.Error()}
	} else {
		content.Reasoning = said.Tree()
	}
	content.History = v.historyTable(one)
	content.Linked = table{Caption: "Cases of the same filing", Columns: []string{"Case"}, Empty: "No other case belongs to the filing."}
	for _, linked := range one.Linked {
		content.Linked.add(link(casePath(linked), string(linked)))
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
		f.add("Contested entry", badge(one.Entry.Purpose), named(one.Entry.Name.String()), text(one.Entry.Scope.String()+", list "+string(one.Entry.List)))
		f.add("Order", orderOfEntry(one.Entry))
		f.add("In the list’s current source", inSource(one.Entry, matches))
	}
	f.add("Resolves unfiltered", text(yesNo(v.Reach.Resolves(v.r.Context(), one.Filing.Name))))
	return f
}

func openUntil(track redress.Track, now time.Time) cell {
	if track.State != redress.Submitted {
		return cell{}
	}
	return due(track.Deadline, now)
}

func orderOfEntry(entry *redress.Entry) cell {
	if entry.Order == "" || entry.Purpose != blocklists.Law {
		return cell{}
	}
	return text(entry.Order)
}

// inSource says whether the entry is still in what its list brought last, and at which line.
func inSource(entry *redress.Entry, matches []policy.Match) cell {
	for i := range matches {
		match := &matches[i]
		if match.Entry.List == entry.List && match.Entry.Name == entry.Name && match.Entry.Scope == entry.Scope {
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
	for _, event := range one.Events {
		if event.Kind == redress.FiledEvent {
			f.add("Explanation", long(one.Text(event, redress.Explanation)))
		}
	}
	return f
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
		if event.Content.Generation != 0 {
			what = append(what, text(formatted("generation %d", event.Content.Generation)))
		}
		made.add(moment(event.At), several(what...), actorCell(event.Actor),
			several(long(one.Text(event, redress.Facts)), long(one.Text(event, redress.Ground))))
	}
	return made
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
