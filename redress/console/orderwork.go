package console

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress/orders"
)

// person is the visitor as the office of orders writes people down that change an order.
func (v *visit) person() *orders.Sender {
	return &orders.Sender{Actor: v.Actor, Person: v.Name}
}

func readOrderForm(form url.Values) typedOrder {
	return typedOrder{
		Until: form.Get("until"), Reason: form.Get("reason"), Why: form.Get("why"), Body: form.Get("decision.authority.name"), Number: form.Get("decision.ref"),
		Names: form.Get("names"), Note: form.Get("note"),
	}
}

// onOrder reads the form, does one thing to the order of the path, and shows what became of it.
func (v *visit) onOrder(word string, do func(typed *typedOrder, ref string, list blocklists.ListID) (orders.Outcome, error)) {
	if !v.pages.ReadForm(v.w, v.r) {
		return
	}
	typed := readOrderForm(v.r.PostForm)
	list, ref := blocklists.ListID(v.r.PathValue("list")), v.r.PathValue("ref")
	outcome, err := do(&typed, ref, list)
	if err == nil {
		if outcome.Waits {
			word = "waits"
		}
		v.goOn(orderPath(list, ref), pending(outcome.Pending, word))
		return
	}
	conflict, conflicts := errors.AsType[*orders.Conflict](err)
	mistakes, is := mistakesIn(err)
	switch {
	case is:
		v.orderShown(http.StatusUnprocessableEntity, said{Mistakes: mistakes}, typed)
	case conflicts:
		v.orderShown(http.StatusConflict, mistake("", "%s", conflict.Why), typed)
	case errors.Is(err, store.ErrSamePerson):
		v.orderShown(http.StatusConflict, mistake("", "You have said so already. It takes another person."), typed)
	default:
		v.failOrder(err)
	}
}

func (v *visit) suspendOrder() {
	v.onOrder("suspend", func(typed *typedOrder, ref string, list blocklists.ListID) (orders.Outcome, error) {
		return v.Office.Suspend(v.r.Context(), v.person(), ref, list, &orders.Pause{Until: inRFC(typed.Until), Reason: strings.TrimSpace(typed.Reason)})
	})
}

// inRFC is a time as people type it in the form that the office reads; what is none stays, and is told.
func inRFC(typed string) string {
	at, err := readTime(typed, time.Time{})
	if err != nil || at.IsZero() {
		return strings.TrimSpace(typed)
	}
	return at.Format(time.RFC3339)
}

func (v *visit) resumeOrder() {
	v.onOrder("resume", func(_ *typedOrder, ref string, list blocklists.ListID) (orders.Outcome, error) {
		return v.Office.Resume(v.r.Context(), v.person(), ref, list)
	})
}

// liftOrder lifts the whole order. Where another authority or a court decided so, two people enter it.
func (v *visit) liftOrder() {
	v.onOrder("lift", func(typed *typedOrder, ref string, list blocklists.ListID) (orders.Outcome, error) {
		return v.Office.Lift(v.r.Context(), v.person(), ref, list, &orders.Ending{Why: strings.TrimSpace(typed.Why), Decision: typed.decision()})
	})
}

func (t *typedOrder) decision() *orders.Decision {
	body, number := strings.TrimSpace(t.Body), strings.TrimSpace(t.Number)
	if body == "" && number == "" {
		return nil
	}
	return &orders.Decision{Authority: blocklists.Authority{Name: body}, Ref: number}
}

func (v *visit) releaseOrder() {
	v.onOrder("released", func(typed *typedOrder, ref string, list blocklists.ListID) (orders.Outcome, error) {
		return v.Office.Release(v.r.Context(), v.person(), ref, list, &orders.Letting{Names: lines(typed.Names), Note: strings.TrimSpace(typed.Note)})
	})
}

// lines are what stands on each line, or between blanks and commas.
func lines(typed string) []string {
	return strings.FieldsFunc(typed, func(r rune) bool { return strings.ContainsRune(" \t\r\n,;", r) })
}
