package console

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/page"
)

// casework is what is typed into the forms of a case beside a decision.
type casework struct {
	Open     string // which form was sent, so that it is shown open
	Question string
	Text     string
	Facts    string
	Ground   string
	Into     string
	Agrees   string
	Outcome  string
	Body     string
	Ref      string
	On       string
	Language string
	NarrowTo string
	Scope    string
	Except   string
	Within   string // countries
	Until    string
}

func readCasework(open string, form url.Values) casework {
	return casework{
		Open: open, Question: form.Get("question"), Text: form.Get("text"), Facts: form.Get("facts"), Ground: form.Get("ground"), Into: form.Get("into"), Agrees: form.Get("agrees"),
		Outcome: form.Get("outcome"), Body: form.Get("authority"), Ref: form.Get("ref"), On: form.Get("on"), NarrowTo: form.Get("narrow_to"), Until: form.Get("until"),
		Language: form.Get("language"), Scope: form.Get("narrow_scope"), Except: form.Get("except"), Within: form.Get("jurisdiction"),
	}
}

// onCase reads a form, does one thing to the case of the path, and shows what came of it.
func (v *visit) onCase(open, word string, do func(one *redress.Case, typed *casework) error) {
	one, is := v.theCase()
	if !is || !v.pages.ReadForm(v.w, v.r) {
		return
	}
	typed := readCasework(open, v.r.PostForm)
	err := do(one, &typed)
	wrong, is := mistakesIn(err)
	switch {
	case is:
		v.showWork(http.StatusUnprocessableEntity, one, said{Mistakes: within(open, wrong)}, typed)
	case refusal(err) != "":
		v.showWork(http.StatusConflict, one, mistake("", "%s", refusal(err)), typed)
	default:
		v.after(err, casePath(one.ID), word)
	}
}

// within names the fields of one form, as several forms of a page have some of the same.
func within(form string, all page.Mistakes) page.Mistakes {
	made := make(page.Mistakes, 0, len(all))
	for _, one := range all {
		made = append(made, page.Mistake{Field: form + "-" + one.Field, Text: one.Text})
	}
	return made
}

func (v *visit) showWork(status int, one *redress.Case, told said, typed casework) {
	if now, err := v.Desk.Review(v.r.Context(), v.Actor, one.ID); err == nil {
		one = now
	}
	content := v.casePage(one)
	content.said, content.Typed = told, typed
	v.show(status, "case", "Case "+string(one.ID), &content)
}

func (v *visit) askParty() {
	v.onCase("ask", "asked", func(one *redress.Case, typed *casework) error {
		return v.Desk.AskParty(v.r.Context(), v.Actor, one.ID, redress.Question(typed.Question), typed.Text, typed.Language)
	})
}

func (v *visit) reply() {
	v.onCase("reply", "replied", func(one *redress.Case, typed *casework) error {
		return v.Desk.Reply(v.r.Context(), v.Actor, one.ID, typed.Text, typed.Language)
	})
}

func (v *visit) dismiss() {
	v.onCase("dismiss", "noted", func(one *redress.Case, typed *casework) error {
		return v.Desk.Dismiss(v.r.Context(), v.Actor, one.ID, redress.Ending{Facts: typed.Facts, Ground: typed.Ground, Language: typed.Language})
	})
}

// closeCase ends what the party was asked about and did not answer.
func (v *visit) closeCase() {
	v.onCase("close", "noted", func(one *redress.Case, typed *casework) error {
		return v.Desk.Close(v.r.Context(), v.Actor, one.ID, redress.Ending{Facts: typed.Facts, Ground: typed.Ground, Language: typed.Language})
	})
}

func (v *visit) merge() {
	v.onCase("merge", "noted", func(one *redress.Case, typed *casework) error {
		into, is := redress.ParseCaseID(typed.Into)
		if !is {
			return wrongField("into", "is not the number of a case, as C-7K4Q-92QF-M3TX")
		}
		return v.Desk.Merge(v.r.Context(), v.Actor, one.ID, into)
	})
}

// reread takes down that somebody else has read the decision again.
func (v *visit) reread() {
	v.onCase("reread", "noted", func(one *redress.Case, typed *casework) error {
		if typed.Agrees != "yes" && typed.Agrees != "no" {
			return wrongField("agrees", "say whether you would have decided the same")
		}
		return v.Desk.Reread(v.r.Context(), v.Actor, one.ID, typed.Agrees == "yes", typed.Text)
	})
}

// dossierSent takes down that a person has sent the authority its dossier.
func (v *visit) dossierSent() {
	v.onCase("sent", "noted", func(one *redress.Case, typed *casework) error {
		on, err := readTime(typed.On, time.Time{})
		if err != nil {
			return wrongField("on", "%s", err)
		}
		return v.Desk.DossierSent(v.r.Context(), v.Actor, one.ID, on)
	})
}

// pronounce takes down what the authority decided of the merits of its order.
func (v *visit) pronounce() {
	v.onCase("pronounce", "decided", func(one *redress.Case, typed *casework) error {
		decision, err := typed.elsewhere()
		if err == nil {
			_, err = v.Desk.AuthorityDecision(v.r.Context(), v.Actor, one.ID, decision)
		}
		return err
	})
}

// external takes down what a court or an out-of-court body made of a decision of ours.
func (v *visit) external() {
	v.onCase("external", "decided", func(one *redress.Case, typed *casework) error {
		decision, err := typed.elsewhere()
		if decision.Question = typed.Question; err == nil {
			_, err = v.Desk.External(v.r.Context(), v.Actor, one.ID, decision)
		}
		return err
	})
}

func (c *casework) elsewhere() (redress.AuthorityDecision, error) {
	made := redress.AuthorityDecision{Body: c.Body, Ref: c.Ref}
	made.Outcome, made.Facts, made.Ground, made.NarrowTo = c.Outcome, c.Facts, c.Ground, strings.TrimSpace(c.NarrowTo)
	made.Language, made.NarrowScope, made.Except, made.Jurisdiction = c.Language, c.Scope, lines(c.Except), lines(c.Within)
	var err error
	if made.On, err = readTime(c.On, time.Time{}); err != nil {
		return made, wrongField("on", "%s", err)
	}
	if made.Until, err = readTime(c.Until, time.Time{}); err != nil {
		return made, wrongField("until", "%s", err)
	}
	return made, nil
}

func wrongField(field, format string, values ...any) error {
	return &redress.Invalid{Fields: []redress.FieldProblem{{Field: field, Text: formatted(format, values...)}}}
}

// relieve has the site looked at now. Whether that unblocks it until somebody decides the desk says, not who asks.
func (v *visit) relieve() {
	one, is := v.theCase()
	if !is || !v.pages.ReadForm(v.w, v.r) {
		return
	}
	err := v.Desk.LookAgain(v.r.Context(), v.Actor, one.ID)
	if said := refusal(err); said != "" {
		v.showWork(http.StatusConflict, one, mistake("", "%s", said), casework{})
		return
	}
	word := "looked"
	if now, err := v.Desk.Review(v.r.Context(), v.Actor, one.ID); err == nil && now.Merits.State == redress.Interim {
		word = "relieved"
	}
	v.after(err, casePath(one.ID), word)
}

// works are which forms of a case there are for the visitor now.
type works struct {
	Decide, Ask, Reply, Dismiss, Close, Merge, Reread, Relieve, Sent, Pronounce, External bool

	Measure, MeasureAppeal bool
}

// worksOn asks the table of rules which actions there are, and the routes whose they are.
func (v *visit) worksOn(one *redress.Case) works {
	if !v.may(http.MethodPost, "/console/cases/{id}/decide") {
		return works{}
	}
	can := func(action redress.Action) bool {
		for _, rule := range redress.Rules() {
			state := one.Merits.State
			if rule.Question == redress.Implementation {
				state = one.Implementation.State
			}
			if rule.Kind == one.Kind() && rule.Action == action && rule.From == state && roles(rule.By).have(v.Role) {
				return true
			}
		}
		return false
	}
	_, waits := one.Clocks[redress.RereadClock]
	measure := one.Measure().State
	return works{
		Decide: can(redress.Decide), Ask: can(redress.Ask), Reply: true, Dismiss: can(redress.Dismiss), Close: can(redress.Abandon), Merge: can(redress.Merge), Reread: waits,
		Sent:      one.ToBeSent(),
		Relieve:   can(redress.Relieve) && one.Entry.Purpose == blocklists.Security,
		Pronounce: can(redress.Pronounce) && v.may(http.MethodPost, "/console/cases/{id}/pronounce"), External: can(redress.Settled) && v.may(http.MethodPost, "/console/cases/{id}/external"),
		Measure:       measure == redress.MeasureProposed,
		MeasureAppeal: measure == redress.MeasureAppealed && v.may(http.MethodPost, "/console/cases/{id}/measure-appeal"),
	}
}
