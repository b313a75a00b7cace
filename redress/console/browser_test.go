package console_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/console"
	"github.com/recourse-dns/recourse/redress/notify"
	"github.com/recourse-dns/recourse/redress/redresstest/browser"
)

// serve is the console for somebody who is signed in, as a browser reaches it.
func (d *desk) serve(role redress.ActorRole, name string) string {
	d.t.Helper()
	mux := http.NewServeMux()
	for _, one := range d.kit.Routes() {
		mux.HandleFunc(one.Path, one.Handler)
	}
	mux.HandleFunc("/console/", func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("X-Role", string(role))
		r.Header.Set("X-Name", name)
		d.handler.ServeHTTP(w, r)
	})
	server := httptest.NewServer(mux)
	d.t.Cleanup(server.Close)
	return server.URL
}

// furnish gives every page something to show, hostile names and texts among it.
func (d *desk) furnish() redress.CaseID {
	d.t.Helper()
	long := strings.Repeat("a-very-long-label-", 3) + "x"
	hostile := fmt.Sprintf("<script>alert(1)</script> %s \u202e reversed", strings.Repeat("W", 200))
	d.DNS.Add("shared.example. 60 IN A 192.0.2.1")
	id := d.file("shared.example")
	d.file("xn--bcher-kva.example")
	d.file(long + "." + long + ".phish.example")
	d.order("RG 1/2026 <i>", "shop.example", "other.example", long+"."+long+".example")
	d.lists.standing = console.Standing{Generation: 12, Kept: []uint64{11, 10}, Failed: hostile, Lists: []console.ListStanding{
		{ID: "court", Purpose: blocklists.Law, State: "ok", Entries: 2, Confirmed: time.Now().Add(-time.Hour), Changed: time.Now().Add(-time.Hour)},
		{ID: "phishing", Purpose: blocklists.Security, State: "kept", Entries: 20_000, Held: 3, Overdue: 2, Trouble: hostile, StaleSince: time.Now().Add(-99 * time.Hour), Pinned: time.Now(), PinnedBy: "ada"},
		{ID: "gambling", Purpose: blocklists.User, State: "missing", Alarms: []blocklists.Alarm{{Detail: hostile}}},
	}}
	d.lists.holds = []guard.HoldRecord{
		{List: "phishing", Purpose: blocklists.Security, Name: "xn--bcher-kva.example", Safeguard: blocklists.PopularName, Detail: hostile, Line: 7, Since: time.Now().Add(-50 * time.Hour), Needed: 2, Releases: []blocklists.Release{{By: "bob"}}},
		{List: "court", Purpose: blocklists.Law, Safeguard: blocklists.Growth, Count: 900, Since: time.Now(), Needed: 2},
	}
	d.lists.plan = guard.Plan{From: 11, To: 12, Counts: guard.Counts{Block: 1}, Lists: []guard.Change{{List: "phishing", Purpose: "security", Counts: guard.Counts{Block: 1}, BlockNames: []guard.Name{{Name: long + "." + long + ".example", Line: 7, Also: []blocklists.ListID{"court"}}}}}}
	err := d.DB.Tx(d.t.Context(), func(tx *store.Tx) error {
		return notify.Raise(d.t.Context(), tx, notify.Alarm{Source: "list", Key: "phishing/held", Urgent: true, Subject: hostile, Body: hostile + "\n\nSee it with: recourse lists holds"}, time.Now())
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return id
}

// TestConsoleInABrowser looks at every page on a telephone and on a desk, decides a case and ends its exception with
// the keyboard, and has axe look on.
func TestConsoleInABrowser(t *testing.T) {
	b := browser.Start(t)
	for _, width := range browser.Widths() {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			d := newDesk(t)
			id := d.furnish()
			site := d.serve(redress.Operator, "ada")
			for _, group := range d.pages(id) { // in windows of their own, as each has its time
				v := b.Open(t, browser.Options{Width: width})
				for _, one := range group {
					v.Go(site + one.path)
					v.See(one.picture, one.has)
				}
				v.NoComplaints()
			}
			v := b.Open(t, browser.Options{Width: width})
			v.Go(site + "/console/cases")
			v.Walk()
			d.decideInABrowser(v, site, id)
			v.Go(d.serve(redress.Authority, "tribunale") + "/console/authority")
			v.See("console-authority", "Submit an order")
			v.NoComplaints("422")
		})
	}
}

// seen is a page that the browser looks at.
type seen struct{ path, picture, has string }

// pages are all pages that a visitor of the role operator reads.
func (d *desk) pages(id redress.CaseID) [][]seen {
	return [][]seen{{
		{"/console/", "console", "Next deadline"},
		{"/console/cases", "console-queue", "Cases by deadline"},
		{"/console/cases/" + string(id), "console-case", "What the party says"},
		{"/console/explain?name=shared.example&at=2026-11-26", "console-explain", "In sentences"},
		{"/console/code?code=" + d.Code("phishing", "shared.example").String(), "console-code", "Line of the source"},
		{"/console/lists", "console-lists", "Score"},
	}, {
		{"/console/lists/phishing", "console-list", "Read it again now"},
		{"/console/generations", "console-generations", "Go back"},
		{"/console/holds", "console-holds", "bücher.example"},
		{"/console/orders", "console-orders", "RG 1/2026"},
		{"/console/orders/court/RG%201%2F2026%20%3Ci%3E", "console-order", "Lift the whole order"},
		{"/console/alarms", "console-alarms", "I look after alarm"},
	}, {
		{"/console/events", "console-events", "Audit trail"},
		{"/console/charts", "console-charts", "Cases by week"},
		{"/console/overdue", "console-overdue", "Past their date"},
		{"/console/help", "console-help", "Keys of the pages"},
	}}
}

// decideInABrowser goes from the case to the decision, makes a mistake, sees the statement, and sends it.
func (d *desk) decideInABrowser(v *browser.Visit, site string, id redress.CaseID) {
	d.t.Helper()
	v.Go(site + "/console/cases/" + string(id))
	v.Follow(`a.button`)
	v.See("console-decide", "Question and outcome", "Facts relied on")
	v.Click(`input[value="implementation/reverse"]`)
	v.Submit("#facts")
	v.See("console-mistake", "Ground: is missing")
	v.Type("#ground", "The order does not have this name.")
	v.Submit("#facts")
	v.See("console-preview", "As the party will read it", "The block is lifted", "The order does not have this name.")
	v.Follow(`button[value="send"]`)
	v.See("console-decided", "The decision is in force", "carried out wrongly, put right", "me@example.net")
	v.Go(site + "/console/exceptions")
	v.See("console-exceptions", "shared.example", "Make one of the operator’s own")
	v.Go(site + "/console/exceptions/1")
	v.Type("#reason", "The list was right after all.")
	v.Submit("#reason")
	v.See("console-exception", "The exception has ended")
}
