package console

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/page"
)

// decisionForm is a decision as it is being written.
type decisionForm struct {
	// Choice is question and outcome, as merits/reverse.
	Choice      string
	Facts       string
	Ground      string
	Language    string
	NarrowTo    string
	NarrowScope string
	Except      string
	Countries   string
	Until       string
	// Unfounded is of a filing that manifestly was.
	Unfounded unfoundedForm
	// Seen is the last event that the writer has seen.
	Seen int64
}

func readDecision(form url.Values) decisionForm {
	seen, _ := strconv.ParseInt(form.Get("seen"), 10, 64) // what is no number has seen nothing
	return decisionForm{
		Choice: form.Get("choice"), Facts: form.Get("facts"), Ground: form.Get("ground"), Language: form.Get("language"), NarrowTo: form.Get("narrow_to"), NarrowScope: form.Get("narrow_scope"),
		Except: form.Get("except"), Countries: form.Get("jurisdiction"), Until: form.Get("until"), Seen: seen,
		Unfounded: unfoundedForm{Is: form.Get("manifestly_unfounded"), Gravity: form.Get("gravity"), Intent: form.Get("intent"), Reasons: form.Get("reasons")},
	}
}

// decision reads the form. What is wrong with it the desk says, but for what the form alone knows.
func (f *decisionForm) decision() (redress.Decision, said) {
	question, outcome, _ := strings.Cut(f.Choice, "/")
	made := redress.Decision{
		Question: question, Outcome: outcome, Facts: f.Facts, Ground: f.Ground, Language: f.Language, NarrowTo: f.NarrowTo, NarrowScope: f.NarrowScope,
		Except: lines(f.Except), Jurisdiction: lines(f.Countries), Unfounded: f.Unfounded.unfounded(),
	}
	if f.Choice == "" {
		return made, mistake("choice", "Outcome: choose one.")
	}
	until, err := readTime(f.Until, time.Time{})
	if err != nil {
		return made, mistake("until", "Until: %s", err)
	}
	made.Until = until
	return made, said{}
}

// choice is one decision that the visitor may make now.
type choice struct {
	Value string
	Label string
}

type decideContent struct {
	said
	ID      redress.CaseID
	Name    string
	Form    decisionForm
	Choices []choice
	Facts   facts
	Matches table
	News    table // what happened since the writer looked
	Preview facts // the statement, where it is shown before it is sent, and its language
	Tongue  string
	English facts // the same in English
	Narrows bool
	Ends    bool
}

// choices are the decisions for which the table of rules has a row.
func (v *visit) choices(one *redress.Case) []choice {
	var made []choice
	for _, rule := range redress.Rules() {
		track := one.Merits
		if rule.Question == redress.Implementation {
			track = one.Implementation
		}
		if rule.Kind != one.Kind() || rule.Action != redress.Decide || rule.From != track.State || !roles(rule.By).have(v.Role) {
			continue
		}
		label := words("question", rule.Question) + " " + words("outcome", rule.Outcome)
		if rule.To == redress.Referred {
			label = "Refer: tell the party why the authority alone decides whether it should be blocked"
		}
		made = append(made, choice{Value: string(rule.Question) + "/" + string(rule.Outcome), Label: label})
	}
	return made
}

// theCase is the case of the path; where there is none that the visitor may see, it has answered.
func (v *visit) theCase() (*redress.Case, bool) {
	id, is := redress.ParseCaseID(v.r.PathValue("id"))
	if !is {
		v.fail(redress.ErrNotFound)
		return nil, false
	}
	one, err := v.Desk.Review(v.r.Context(), v.Actor, id)
	if err == nil && one.Confidential && !v.Cleared {
		err = redress.ErrNotFound
	}
	if err != nil {
		v.fail(err)
		return nil, false
	}
	return one, true
}

// decideForm begins a decision, with the facts of the case written down already.
func (v *visit) decideForm() {
	one, is := v.theCase()
	if !is {
		return
	}
	matches := v.Snapshot().Matches(one.Contested())
	v.decidePage(http.StatusOK, one, decideContent{Form: decisionForm{Facts: factsText(one, matches), Seen: lastEvent(one)}})
}

func lastEvent(one *redress.Case) int64 {
	if len(one.Events) == 0 {
		return 0
	}
	return one.Events[len(one.Events)-1].Sequence
}

func (v *visit) decidePage(status int, one *redress.Case, content decideContent) {
	matches := v.Snapshot().Matches(one.Contested())
	content.ID, content.Name, content.Choices = one.ID, one.Contested().String(), v.choices(one)
	content.Facts, content.Matches = v.caseFacts(one, matches, time.Now()), v.matchTable(matches)
	for _, one := range content.Choices {
		content.Narrows = content.Narrows || strings.HasSuffix(one.Value, "/narrow")
		content.Ends = content.Ends || strings.HasSuffix(one.Value, "/shorten")
	}
	v.show(status, "decide", "Decide "+string(one.ID), &content)
}

// factsText is what is known of the block, as the first words of a statement of reasons.
func factsText(one *redress.Case, matches []policy.Match) string {
	if one.Entry == nil {
		return "Nothing that we may speak about blocks this name here."
	}
	var said strings.Builder
	said.WriteString(formatted("The entry %s (%s) of list %s covers the name.", one.Entry.Name, one.Entry.Scope, one.Entry.List))
	for i := range matches {
		if match := &matches[i]; isEntry(match, one.Entry) {
			said.WriteString(formatted(" It stands at %s since %s.", lineOf(&match.Entry), match.Entry.FirstSeen.Format(time.DateOnly)))
		}
	}
	if one.Filing.Verified.IsZero() {
		said.WriteString(" Control of the name was not proved.")
	} else {
		said.WriteString(" Control of the name was proved on " + one.Filing.Verified.Format(time.DateOnly) + ".")
	}
	return said.String()
}

func isEntry(match *policy.Match, entry *redress.Entry) bool {
	return match.Entry.List == entry.List && match.Entry.Name == entry.Name && match.Entry.Scope == entry.Scope
}

// decide shows the statement before it is sent, or sends it.
func (v *visit) decide() {
	one, is := v.theCase()
	if !is || !v.pages.ReadForm(v.w, v.r) {
		return
	}
	content := decideContent{Form: readDecision(v.r.PostForm)}
	decision, wrong := content.Form.decision()
	if len(wrong.Mistakes) > 0 {
		content.said = wrong
		v.decidePage(http.StatusUnprocessableEntity, one, content)
		return
	}
	if news := v.news(one, content.Form.Seen); len(news.Rows) > 0 {
		content.said, content.News = mistake("", "Something has happened in this case since you opened it. Read it below, then send again. What you typed is still here."), news
		content.Form.Seen = lastEvent(one)
		v.decidePage(http.StatusConflict, one, content)
		return
	}
	switch step := v.r.PostForm.Get("step"); step {
	case "send":
		v.sendDecision(one, decision, content)
	case "edit":
		v.decidePage(http.StatusOK, one, content)
	default:
		v.previewDecision(one, decision, content)
	}
}

// news is what others did since an event.
func (v *visit) news(one *redress.Case, seen int64) table {
	newer := *one
	newer.Events = nil
	for _, event := range one.Events {
		if event.Sequence > seen && event.Actor.Role != redress.System {
			newer.Events = append(newer.Events, event)
		}
	}
	return v.historyTable(&newer)
}

// previewDecision shows the statement of reasons as the party will read it.
func (v *visit) previewDecision(one *redress.Case, decision redress.Decision, content decideContent) {
	if strings.TrimSpace(decision.Facts) == "" || strings.TrimSpace(decision.Ground) == "" {
		content.Mistakes = missingReasons(&decision)
		v.decidePage(http.StatusUnprocessableEntity, one, content)
		return
	}
	made, err := v.Desk.Preview(v.r.Context(), v.Actor, one.ID, decision)
	if wrong, is := mistakesIn(err); is {
		content.Mistakes = wrong
		v.decidePage(http.StatusUnprocessableEntity, one, content)
		return
	}
	if said := refusal(err); said != "" {
		content.said = mistake("", "%s", said)
		v.decidePage(http.StatusConflict, one, content)
		return
	}
	if err != nil || made.Written == nil {
		v.fail(err)
		return
	}
	content.Preview, content.Tongue = written(made.Written), made.Written.Language
	if english := v.Desk.StatementIn(made, "en"); content.Tongue != "en" {
		content.English = written(english.Written)
	}
	v.decidePage(http.StatusOK, one, content)
}

func missingReasons(decision *redress.Decision) (all page.Mistakes) {
	for _, text := range []struct{ field, said string }{{"facts", decision.Facts}, {"ground", decision.Ground}} {
		if strings.TrimSpace(text.said) == "" {
			all = append(all, mistake(text.field, "%s: is missing. Every decision is reasoned, also one in the party’s favour.", labelOf(text.field)).Mistakes...)
		}
	}
	return all
}

// written shows a statement for people, in its language.
func written(made *redress.Written) facts {
	var f facts
	for _, part := range made.Parts {
		f.add(part.Heading, long(strings.Join(part.Lines, "\n")))
	}
	return f
}

// sendDecision decides. Where somebody else was quicker the visitor is told, and loses nothing.
func (v *visit) sendDecision(one *redress.Case, decision redress.Decision, content decideContent) {
	ruling, err := v.Desk.Decide(v.r.Context(), v.Actor, one.ID, decision)
	wrong, is := mistakesIn(err)
	switch {
	case is:
		content.Mistakes = wrong
		v.decidePage(http.StatusUnprocessableEntity, one, content)
	case refusal(err) != "":
		content.said = mistake("", "%s", refusal(err))
		if now, err := v.Desk.Review(v.r.Context(), v.Actor, one.ID); err == nil {
			content.News, content.Form.Seen, one = v.news(now, content.Form.Seen), lastEvent(now), now
		}
		v.decidePage(http.StatusConflict, one, content)
	default:
		v.after(err, casePath(one.ID), pending(ruling.Pending, "decided"))
	}
}

// refusal is why the desk does not do a thing that a form asks for, in words; empty where that is no such error.
func refusal(err error) string {
	for _, one := range []struct {
		err  error
		said string
	}{
		{redress.ErrDecided, "Somebody else has decided this question meanwhile; nothing was done. What was decided stands below, and what you typed is still here."},
		{redress.ErrNoMeasure, "Somebody else has decided this meanwhile; nothing was done."},
		{redress.ErrState, "The case does not stand any more where this can be done; nothing was done."},
		{redress.ErrSamePerson, "It takes another person than who decided before; nothing was done."},
		{redress.ErrOwnList, "You let entries of this list take effect, so somebody else decides about it; nothing was done."},
		{redress.ErrReferred, "The merits of an order are the authority’s to decide; nothing was done."},
		{redress.ErrNoEntry, "The case is about nothing that could be lifted; nothing was done."},
	} {
		if errors.Is(err, one.err) {
			return one.said
		}
	}
	return ""
}

// orderSays compares the entry of a case with the order that it is of.
func (v *visit) orderSays(entry *redress.Entry) cell {
	if entry == nil || entry.Purpose != blocklists.Law || entry.Order == "" {
		return cell{}
	}
	shown, err := v.Office.Show(v.r.Context(), v.reader(), entry.Order, entry.List)
	if err != nil {
		return text("order " + entry.Order + " was not submitted here: the list itself carries it out")
	}
	for i := range shown.Names {
		name := &shown.Names[i]
		if name.Name != entry.Name || !name.EndedAt.IsZero() {
			continue
		}
		if name.Scope != entry.Scope {
			return bad(formatted("the name, but with the scope %s", name.Scope))
		}
		return several(text("the same name and scope"), link(orderPath(entry.List, entry.Order), entry.Order))
	}
	return several(bad("it does not have this name, or not any more"), link(orderPath(entry.List, entry.Order), entry.Order))
}
