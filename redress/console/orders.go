package console

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/orders"
)

type ordersContent struct {
	Table table
}

// sender is the visitor as the office of orders knows people: an authority's account with what it may, and
// everybody else of the staff as reading like the operator.
func (v *visit) sender() *orders.Sender {
	if v.Role == authority {
		own := v.Sender
		own.Actor = v.Actor
		return &own
	}
	return v.reader()
}

// reader reads every order.
func (v *visit) reader() *orders.Sender {
	return &orders.Sender{Actor: redress.Actor{Name: v.Actor.Name, Role: redress.Operator}}
}

func (v *visit) orders() {
	content, err := v.orderList("/console/orders")
	if err != nil {
		v.fail(err)
		return
	}
	v.show(http.StatusOK, "orders", "Orders", &content)
}

func (v *visit) orderList(path string) (ordersContent, error) {
	after, _ := strconv.ParseInt(v.r.URL.Query().Get("after"), 10, 64) // what is no number begins at the first
	listed, next, err := v.Office.List(v.r.Context(), v.sender(), after)
	if err != nil {
		return ordersContent{}, err
	}
	content := ordersContent{Table: table{
		Caption: "Orders, the oldest first", Empty: "No order was submitted.",
		Columns: []string{"Order", "Authority", "List", "State", "Names", "Held", "Received", "Enforce by", "Expires"},
	}}
	for i := range listed {
		content.Table.Rows = append(content.Table.Rows, orderRow(&listed[i], path))
	}
	if next != 0 {
		content.Table.Next = path + "?after=" + strconv.FormatInt(next, 10)
	}
	return content, nil
}

func orderRow(one *orders.Listed, path string) []cell {
	order := &one.Record.Order
	ref := link(path+strings.TrimPrefix(orderPath(order.List, order.Ref), "/console/orders"), order.Ref)
	state := text(words("order", one.State))
	if !one.Record.Lawful {
		ref = text(order.Ref)
		state = several(bad(words("order", one.State)), text(problemText(one.Record.Problems)))
	}
	held := number(one.Held)
	held.Bad = one.Held > 0
	return []cell{ref, text(order.Authority.Name), text(string(order.List)), state, number(one.Names), held, moment(order.Received), moment(order.EnforceBy), moment(order.Expires)}
}

func problemText(problems []blocklists.Problem) string {
	var said []string
	for _, problem := range problems {
		said = append(said, problem.Key+" "+problem.Text)
	}
	return strings.Join(said, "; ")
}

type orderContent struct {
	said
	Ref    string
	Path   string
	Facts  facts
	Tables []table
	// May says whether the visitor changes orders; the rest what there is to change, and what was typed.
	May, Suspended, Lifted, Held bool
	Typed                        typedOrder
}

// typedOrder is what was typed into the forms of an order.
type typedOrder struct {
	Until, Reason, Why, Body, Number, Names, Note string
}

func (v *visit) showOrder() { v.orderShown(http.StatusOK, said{Done: v.done()}, typedOrder{}) }

func (v *visit) orderShown(status int, told said, typed typedOrder) {
	content, err := v.orderPage(blocklists.ListID(v.r.PathValue("list")), v.r.PathValue("ref"))
	if err != nil {
		v.failOrder(err)
		return
	}
	content.said, content.Typed = told, typed
	v.show(status, "order", "Order "+content.Ref, &content)
}

func (v *visit) failOrder(err error) {
	forbidden, is := errors.AsType[*orders.Forbidden](err)
	switch {
	case errors.Is(err, orders.ErrNoOrder):
		v.fail(redress.ErrNotFound)
	case is:
		v.fault(http.StatusForbidden, "This order is not yours to see", forbidden.Why)
	default:
		v.fail(err)
	}
}

func (v *visit) orderPage(list blocklists.ListID, ref string) (orderContent, error) {
	shown, err := v.Office.Show(v.r.Context(), v.sender(), ref, list)
	if err != nil {
		return orderContent{}, err
	}
	proof, err := v.Office.Receipts(v.r.Context(), v.sender(), ref, list)
	if err != nil {
		return orderContent{}, err
	}
	now := time.Now()
	content := orderContent{Ref: shown.Record.Order.Ref, Path: orderPath(list, ref), Facts: orderFacts(&shown, now), May: v.may(http.MethodPost, "/console/orders/{list}/{ref}/lift")}
	content.Suspended, content.Lifted, content.Held = shown.Record.Suspended.Until.After(now), shown.State == orders.Lifted, len(shown.Held) > 0
	content.Tables = []table{nameTable(shown.Names), receiptTable(proof.Receipts), v.eventTable(shown.Events)}
	return content, nil
}

func orderFacts(shown *orders.Shown, now time.Time) facts {
	var f facts
	record, order := shown.Record, &shown.Record.Order
	f.add("State", text(words("order", shown.State)))
	f.add("Authority", text(order.Authority.Name), text(strings.TrimSpace(order.Authority.Kind+" "+order.Authority.Country)))
	for _, basis := range order.LegalBasis {
		f.add("Legal basis", text(strings.TrimSpace(basis.Act+" "+basis.Article)))
	}
	f.add("List", text(string(order.List)))
	f.add("Jurisdiction", text(strings.Join(order.Jurisdiction, ", ")))
	f.add("Missing, as the authority was told", text(strings.Join(shown.Deficient, ", ")))
	f.add("Received", moment(order.Received), text("by "+record.Submitter))
	f.add("Effective", moment(order.Effective))
	f.add("Enforce by", due(order.EnforceBy, now))
	f.add("Expires", moment(order.Expires))
	if shown.Effect != nil {
		f.add("In force since", moment(shown.Effect.At), text(formatted("generation %d", shown.Effect.Generation)))
	}
	if shown.Pending {
		f.add("In force", bad("not yet: it is on the disk, and is tried again"))
	}
	if record.Suspended.Until.After(now) {
		f.add("Suspended until", moment(record.Suspended.Until), text("by "+record.Suspended.By+": "+record.Suspended.Reason))
	}
	if !record.Lifted.At.IsZero() {
		f.add("Lifted", moment(record.Lifted.At), text("by "+record.Lifted.By), long(record.Lifted.Why), text(record.Lifted.Decision))
	}
	reasons, language := order.Reason("en")
	f.add("Reasons", long(reasons), text(language))
	f.add("Document", code(order.Document.SHA256))
	return f
}

func nameTable(names []store.OrderName) table {
	made := table{Caption: "Names of the order, ended ones too", Empty: "The order has no names.", Columns: []string{"Name", "Scope", "Standing", "Safeguard", "Added", "Ended"}}
	for i := range names {
		one := &names[i]
		ended := cell{}
		if !one.EndedAt.IsZero() {
			ended = several(moment(one.EndedAt), text("by "+one.EndedBy), long(one.EndedWhy))
		}
		safeguard := cell{}
		if one.Safeguard != "" {
			safeguard = several(text(string(one.Safeguard)), text(one.Detail))
		}
		made.add(named(one.Name.String()), text(one.Scope.String()), text(string(one.Standing)), safeguard, several(moment(one.AddedAt), text("by "+one.AddedBy)), ended)
	}
	return made
}

func receiptTable(receipts []orders.Receipt) table {
	made := table{Caption: "Receipts: what was in force when, and where", Empty: "Nothing of it was put in force.", Columns: []string{"What", "Names", "Received", "In force", "Node", "Generation", "Late", "Old answers until"}}
	for i := range receipts {
		one := &receipts[i]
		late := cell{}
		if one.Late > 0 {
			late = bad(clock(one.Late))
		}
		force := moment(one.InForce)
		if !one.Scheduled.IsZero() {
			force = several(text("from"), moment(one.Scheduled))
		}
		made.add(several(text(one.What), text("by "+one.Actor)), number(one.Names), moment(one.Received), force, text(one.Node), number(one.Generation), late, moment(one.CachedUntil))
	}
	return made
}
