package console

import (
	"context"
	"net/http"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/misuse"
)

// Misuse knows of whom warnings and suspensions are proposed, in force or over.
type Misuse interface {
	List(ctx context.Context, actor redress.Actor) ([]misuse.Listed, error)
}

type misuseContent struct {
	Waiting  table
	InForce  table
	Finished table
}

// misuse lists warnings and suspensions: what waits for a person, what holds, and what did.
func (v *visit) misuse() {
	var listed []misuse.Listed
	if v.Misuse != nil {
		var err error
		if listed, err = v.Misuse.List(v.r.Context(), v.Actor); err != nil {
			v.fail(err)
			return
		}
	}
	columns := []string{"Case", "Measure", "State", "Found unfounded", "Given", "Until"}
	content := misuseContent{
		Waiting:  table{Caption: "Waits for a person", Empty: "Nothing does.", Columns: columns},
		InForce:  table{Caption: "In force", Empty: "Nobody is warned or suspended.", Columns: columns},
		Finished: table{Caption: "Over", Empty: "There is none.", Columns: columns},
	}
	for i := range listed {
		one, now := &listed[i], time.Now()
		into := &content.Finished
		switch {
		case one.State == redress.MeasureProposed, one.State == redress.MeasureAppealed:
			into = &content.Waiting
		case (one.State == redress.MeasureGiven || one.State == redress.MeasureUpheld) && (one.Until.IsZero() || now.Before(one.Until)):
			into = &content.InForce
		}
		into.add(link(casePath(one.Case), string(one.Case)), text(string(one.Kind)), text(words("measure", one.State)), moment(one.Found), moment(one.Given), moment(one.Until))
	}
	v.show(http.StatusOK, "misuse", "Misuse", &content)
}

// measureFacts is what a measure of a case is, for who decides about it.
func measureFacts(one *redress.Case) facts {
	measure := one.Measure()
	if measure.State == "" {
		return nil
	}
	var f facts
	f.add("Measure", text(string(measure.Kind)), text(words("measure", measure.State)))
	if measure.Unfounded > 0 {
		f.add("Counted within the time", text(formatted("%d manifestly unfounded filings of %d that were decided", measure.Unfounded, measure.Decided)))
	}
	f.add("Given", moment(measure.Given))
	f.add("Until", moment(measure.Until))
	return f
}

// decideMeasure gives what is proposed, or drops it.
func (v *visit) decideMeasure() {
	v.onCase("measure", "noted", func(one *redress.Case, typed *casework) error {
		switch typed.Outcome {
		case "give":
			return v.Desk.GiveMeasure(v.r.Context(), v.Actor, one.ID, typed.Facts, typed.Ground)
		case "drop":
			return v.Desk.DropMeasure(v.r.Context(), v.Actor, one.ID, typed.Facts, typed.Ground)
		}
		return wrongField("outcome", "choose one")
	})
}

// decideMeasureAppeal upholds or lifts a suspension.
func (v *visit) decideMeasureAppeal() {
	v.onCase("measure-appeal", "noted", func(one *redress.Case, typed *casework) error {
		if typed.Outcome != "lift" && typed.Outcome != "uphold" {
			return wrongField("outcome", "choose one")
		}
		return v.Desk.DecideMeasureAppeal(v.r.Context(), v.Actor, one.ID, typed.Outcome == "lift", typed.Facts, typed.Ground)
	})
}

// unfoundedForm is what a decision says of a manifestly unfounded filing, as it is being written.
type unfoundedForm struct {
	Is      string // yes
	Gravity string
	Intent  string
	Reasons string
}

func (f *unfoundedForm) unfounded() *redress.Unfounded {
	if f.Is != "yes" {
		return nil
	}
	return &redress.Unfounded{Gravity: f.Gravity, Intent: f.Intent, Reasons: f.Reasons}
}
