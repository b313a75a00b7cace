package console

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/redress/orders"
	"github.com/recourse-dns/recourse/redress/page"
)

// submitForm is an order as it is written on the page.
type submitForm struct {
	Ref, List, Act, Article, Reasons, Language, Jurisdiction, Names string
	Effective, EnforceBy, Expires                                   string
	SHA256, URL, Venue, VenueURL, Deadline, DeadlineFrom            string
}

func readSubmit(form url.Values) submitForm {
	return submitForm{
		Ref: form.Get("ref"), List: form.Get("list"), Act: form.Get("act"), Article: form.Get("article"), Reasons: form.Get("reasons"), Language: form.Get("language"),
		Jurisdiction: form.Get("jurisdiction"), Names: form.Get("entries"), Effective: form.Get("effective"), EnforceBy: form.Get("enforce_by"), Expires: form.Get("expires"),
		SHA256: form.Get("sha256"), URL: form.Get("document"), Venue: form.Get("venue"), VenueURL: form.Get("venue_url"), Deadline: form.Get("deadline"), DeadlineFrom: form.Get("deadline_from"),
	}
}

// submission is the order as the office takes it.
func (f *submitForm) submission(authority string) *orders.Submission {
	made := &orders.Submission{
		Ref: strings.TrimSpace(f.Ref), List: blocklists.ListID(strings.TrimSpace(f.List)), Authority: blocklists.Authority{Name: authority},
		Jurisdiction: lines(f.Jurisdiction), Language: strings.TrimSpace(f.Language), Document: blocklists.Document{SHA256: strings.TrimSpace(f.SHA256), URL: strings.TrimSpace(f.URL)},
		Effective: inRFC(f.Effective), EnforceBy: inRFC(f.EnforceBy), Expires: inRFC(f.Expires),
		Redress: orders.Redress{Deadline: strings.TrimSpace(f.Deadline), DeadlineFrom: strings.TrimSpace(f.DeadlineFrom)}, Entries: namesOf(f.Names),
	}
	if act := strings.TrimSpace(f.Act); act != "" {
		made.LegalBasis = []blocklists.Basis{{Act: act, Article: strings.TrimSpace(f.Article)}}
	}
	if reasons := strings.TrimSpace(f.Reasons); reasons != "" {
		language := made.Language
		if language == "" {
			language = "en"
		}
		made.Reasons = map[string]string{language: reasons}
	}
	if venue := strings.TrimSpace(f.Venue); venue != "" {
		made.Redress.Venues = []blocklists.Venue{{Name: venue, URL: strings.TrimSpace(f.VenueURL)}}
	}
	return made
}

// namesOf are names one a line, each with its scope behind it where that is not the name alone.
func namesOf(typed string) []orders.Name {
	var made []orders.Name
	for line := range strings.Lines(typed) {
		if parts := strings.Fields(line); len(parts) > 0 {
			made = append(made, orders.Name{Name: parts[0], Scope: strings.Join(parts[1:], " ")})
		}
	}
	return made
}

type authorityContent struct {
	said
	Authority string
	Form      submitForm
	Lists     []blocklists.ListID
	Table     table
}

// authorityHome is an authority's own orders, and the form for another.
func (v *visit) authorityHome() {
	own := v.Sender
	v.authorityPage(http.StatusOK, authorityContent{said: said{Done: v.done()}, Form: submitForm{Jurisdiction: strings.Join(own.Jurisdiction, ", ")}})
}

func (v *visit) authorityPage(status int, content authorityContent) {
	listed, err := v.orderList("/console/authority/orders")
	if err != nil {
		v.fail(err)
		return
	}
	content.Authority, content.Table, content.Lists = v.Sender.Authority, listed.Table, v.Sender.Lists
	v.show(status, "authority", "Orders of "+v.Sender.Authority, &content)
}

// submit takes an order in. What is missing is said field by field; what was sent is recorded in any case.
func (v *visit) submit() {
	if !v.readLongForm() {
		return
	}
	content := authorityContent{Form: readSubmit(v.r.PostForm)}
	outcome, err := v.Office.Submit(v.r.Context(), v.sender(), content.Form.submission(v.Sender.Authority))
	if err == nil {
		order := &outcome.Record.Order
		v.goOn("/console/authority/orders"+strings.TrimPrefix(orderPath(order.List, order.Ref), "/console/orders"), pending(outcome.Pending, "sent"))
		return
	}
	status, told := whyNot(err)
	if status == 0 {
		v.fail(err)
		return
	}
	content.said = told
	v.authorityPage(status, content)
}

// whyNot is what is wrong with an order in words; status 0 where the fault is ours.
func whyNot(err error) (status int, told said) {
	if unlawful, is := errors.AsType[*orders.Unlawful](err); is {
		told, _ := mistakesIn(&unlawful.Invalid)
		for i := range told {
			told[i].Field = formField(told[i].Field)
		}
		lead := page.Mistakes{{Field: "", Text: "This is recorded and blocks nothing yet. What an order needs and this one lacks:"}}
		return http.StatusUnprocessableEntity, said{Mistakes: append(lead, told...)}
	}
	if wrong, is := mistakesIn(err); is {
		return http.StatusUnprocessableEntity, said{Mistakes: wrong}
	}
	if forbidden, is := errors.AsType[*orders.Forbidden](err); is {
		return http.StatusForbidden, mistake("", "%s", forbidden.Why)
	}
	if many, is := errors.AsType[*orders.TooMany](err); is {
		return http.StatusTooManyRequests, mistake("", "%s", many.Error())
	}
	if conflict, is := errors.AsType[*orders.Conflict](err); is {
		return http.StatusConflict, mistake("", "%s", conflict.Why)
	}
	if errors.Is(err, orders.ErrOtherBody) {
		return http.StatusConflict, mistake("ref", "Reference: the list has another order of this reference.")
	}
	return 0, said{}
}

// formField is the field of the form that a part of an order is in.
func formField(part string) string {
	field, _, _ := strings.Cut(part, ".")
	field, _, _ = strings.Cut(field, "[")
	if own, known := map[string]string{"legal_basis": "act", "redress": "venue"}[field]; known {
		return own
	}
	return field
}

// maxOrderForm is the most octets of an order's form: five thousand names, with room.
const maxOrderForm = 2 << 20

func (v *visit) readLongForm() bool {
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxOrderForm)
	if err := v.r.ParseForm(); err != nil {
		v.fault(http.StatusRequestEntityTooLarge, "This is too long, or did not arrive whole", "Go back, send fewer names at once, or use the API. Nothing was taken.")
		return false
	}
	return true
}

type ownOrderContent struct {
	orderContent
	Names string
	Why   string
}

// ownOrder shows an authority its order: state, what is missing, effect, receipts.
func (v *visit) ownOrder() { v.ownOrderPage(http.StatusOK, ownOrderContent{}, said{Done: v.done()}) }

func (v *visit) ownOrderPage(status int, content ownOrderContent, told said) {
	list, ref := blocklists.ListID(v.r.PathValue("list")), v.r.PathValue("ref")
	shown, err := v.orderPage(list, ref)
	if err != nil {
		v.failOrder(err)
		return
	}
	content.orderContent = shown
	content.said = told
	content.Path = "/console/authority/orders" + strings.TrimPrefix(orderPath(list, ref), "/console/orders")
	v.show(status, "ownorder", "Order "+content.Ref, &content)
}

// liftOwn lifts an authority's own order, or some names of it.
func (v *visit) liftOwn() {
	if !v.readLongForm() {
		return
	}
	list, ref := blocklists.ListID(v.r.PathValue("list")), v.r.PathValue("ref")
	content := ownOrderContent{Names: v.r.PostForm.Get("names"), Why: v.r.PostForm.Get("why")}
	var (
		outcome orders.Outcome
		err     error
		word    = "lift"
	)
	if names := namesOf(content.Names); len(names) > 0 {
		word = "lifted"
		outcome, err = v.Office.Change(v.r.Context(), v.sender(), ref, list, &orders.Change{Lift: names, Why: strings.TrimSpace(content.Why)})
	} else {
		outcome, err = v.Office.Lift(v.r.Context(), v.sender(), ref, list, &orders.Ending{Why: strings.TrimSpace(content.Why)})
	}
	if err == nil {
		v.goOn("/console/authority/orders"+strings.TrimPrefix(orderPath(list, ref), "/console/orders"), pending(outcome.Pending, word))
		return
	}
	status, told := whyNot(err)
	if status == 0 || status == http.StatusForbidden {
		v.failOrder(err)
		return
	}
	v.ownOrderPage(status, content, told)
}
