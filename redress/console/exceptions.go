package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/accounts"
	"github.com/recourse-dns/recourse/redress/exceptions"
)

type exceptionsContent struct {
	said
	Table table
	Sort  exceptions.Sort
	// May says whether the visitor makes exceptions; Wanted is what was typed.
	May    bool
	Wanted wantedException
}

// wantedException is the form as it was typed.
type wantedException struct {
	List, Name, Reason, Review string
}

func (v *visit) exceptions() {
	v.exceptionList(http.StatusOK, exceptionsContent{said: said{Done: v.done()}})
}

func (v *visit) exceptionList(status int, content exceptionsContent) {
	query := v.r.URL.Query()
	content.Sort = exceptions.Sort(query.Get("sort"))
	if !slices.Contains(exceptions.Sorts(), content.Sort) {
		content.Sort = exceptions.ByReview
	}
	after, _ := exceptions.ParsePlace(query.Get("after"), content.Sort) // what is no place begins at the first
	page, next, err := v.Exceptions.List(v.r.Context(), content.Sort, after)
	if err != nil {
		v.fail(err)
		return
	}
	content.May = v.may(http.MethodPost, "/console/exceptions")
	content.Table = table{
		Caption: "Reversals that outlive every import of the list", Empty: "No exception is in force.",
		Columns: []string{"Review", "Number", "List", "Name", "But for", "Since", "By", "Why"},
	}
	now, names := time.Now(), v.names()
	for i := range page {
		content.Table.Rows = append(content.Table.Rows, exceptionRow(&page[i], now, names))
	}
	if after := next.String(); after != "" {
		content.Table.Next = "/console/exceptions?" + url.Values{"sort": {string(content.Sort)}, "after": {after}}.Encode()
	}
	v.show(status, "exceptions", "Exceptions", &content)
}

// Sorts are the orders that may be chosen, in words.
func (exceptionsContent) Sorts() []sorting {
	return []sorting{
		{string(exceptions.ByReview), "the next review first"}, {string(exceptions.ByNumber), "the oldest first"},
		{string(exceptions.ByMaker), "by who made them"}, {string(exceptions.ByCase), "by case, the operator’s own first"},
	}
}

// sorting is an order of a list, and what it is called.
type sorting struct{ Value, Text string }

func exceptionRow(one *exceptions.Shown, now time.Time, names map[accounts.ID]string) []cell {
	id := strconv.FormatInt(one.ID, 10)
	return []cell{due(one.Review, now), link("/console/exceptions/"+id, id), text(string(one.List)), named(one.Name.String()), keptOf(one), moment(one.At), by(one.By, names), whyOf(one)}
}

func keptOf(one *exceptions.Shown) cell {
	if one.Keep == "" {
		return cell{}
	}
	return named(one.Keep.String())
}

func whyOf(one *exceptions.Shown) cell {
	if one.Case != "" {
		return link(casePath(redress.CaseID(one.Case)), one.Case)
	}
	return several(text("the operator’s own"), long(one.Reason))
}

// makeException makes an exception of the operator's.
func (v *visit) makeException() {
	if !v.pages.ReadForm(v.w, v.r) {
		return
	}
	form := v.r.PostForm
	typed := wantedException{List: form.Get("list"), Name: form.Get("name"), Reason: form.Get("reason"), Review: form.Get("review")}
	review, err := readTime(typed.Review, time.Time{})
	if err != nil {
		v.exceptionList(http.StatusUnprocessableEntity, exceptionsContent{said: mistake("review", "Review date: %s", err), Wanted: typed})
		return
	}
	made, err := v.Exceptions.Make(v.r.Context(), v.Actor, exceptions.Wanted{List: typed.List, Name: typed.Name, Reason: typed.Reason, Review: review})
	if mistakes, is := mistakesIn(err); is {
		v.exceptionList(http.StatusUnprocessableEntity, exceptionsContent{said: said{Mistakes: mistakes}, Wanted: typed})
		return
	}
	v.after(err, "/console/exceptions/"+strconv.FormatInt(made.ID, 10), pending(made.Pending, "made"))
}

// pending is the word for what is not in force yet, in the place of another.
func pending(is bool, word string) string {
	if is {
		return "pending"
	}
	return word
}

// after goes on to a page where all went well.
func (v *visit) after(err error, path, word string) {
	if err != nil {
		v.fail(err)
		return
	}
	v.goOn(path, word)
}

type exceptionContent struct {
	said
	ID     int64
	Facts  facts
	May    bool // end it
	Reason string
}

func (v *visit) showException() {
	v.exceptionPage(http.StatusOK, exceptionContent{said: said{Done: v.done()}})
}

func (v *visit) exceptionPage(status int, content exceptionContent) {
	id, err := exceptions.ParseID(v.r.PathValue("id"))
	if err != nil {
		v.fail(redress.ErrNotFound)
		return
	}
	one, err := v.Exceptions.Show(v.r.Context(), id)
	if errors.Is(err, exceptions.ErrNoException) {
		err = redress.ErrNotFound
	}
	if err != nil {
		v.fail(err)
		return
	}
	f := &content.Facts
	f.add("List", link(listPath(one.List), string(one.List)))
	f.add("Name, with what lies below it", named(one.Name.String()))
	f.add("Stays blocked", keptOf(&one))
	f.add("Why", whyOf(&one))
	f.add("By", by(one.By, v.names()))
	f.add("Since", moment(one.At))
	f.add("Review", due(one.Review, time.Now()))
	f.add("Ended", moment(one.Ended))
	content.ID, content.May = id, one.Ended.IsZero() && v.may(http.MethodPost, "/console/exceptions/{id}/end")
	v.show(status, "exception", "Exception "+strconv.FormatInt(id, 10), &content)
}

// endException ends one, with a reason.
func (v *visit) endException() {
	id, err := exceptions.ParseID(v.r.PathValue("id"))
	if err != nil {
		v.fail(redress.ErrNotFound)
		return
	}
	if !v.pages.ReadForm(v.w, v.r) {
		return
	}
	reason := v.r.PostForm.Get("reason")
	ended, err := v.Exceptions.End(v.r.Context(), v.Actor, id, reason)
	mistakes, is := mistakesIn(err)
	switch {
	case is:
		v.exceptionPage(http.StatusUnprocessableEntity, exceptionContent{said: said{Mistakes: mistakes}, Reason: reason})
	case errors.Is(err, exceptions.ErrNoException):
		v.exceptionPage(http.StatusConflict, exceptionContent{said: mistake("", "Somebody else has ended it meanwhile.")})
	default:
		v.after(err, "/console/exceptions/"+strconv.FormatInt(id, 10), pending(ended.Pending, "ended"))
	}
}
