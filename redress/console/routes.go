package console

import (
	"net/http"
	"strings"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/redress/route"
)

// staffRoute is one page or action, and whose it is.
type staffRoute struct {
	method string
	path   string
	may    roles
	do     func(*visit)
}

// The roles, as they are named beside the routes.
const (
	reviewer  = redress.Reviewer
	second    = redress.SecondReviewer
	operator  = redress.Operator
	auditor   = redress.Auditor
	authority = redress.Authority
)

// routes is every page and every action of the console. What is not here does not exist, and who is not
// named may not.
func (h *handler) routes() []staffRoute {
	get, post := http.MethodGet, http.MethodPost
	everybody := roles{reviewer, second, operator, auditor, authority}
	staff := roles{reviewer, second, operator, auditor}
	theirs := roles{authority}
	decides := roles{reviewer, second, operator}
	runs, releases := roles{operator}, roles{operator, second}
	return []staffRoute{
		{get, "/console/{$}", everybody, (*visit).home},
		{get, "/console/help", everybody, (*visit).help},

		{get, "/console/cases", staff, (*visit).queue},
		{get, "/console/cases/{id}", staff, (*visit).showCase},
		{get, "/console/cases/{id}/decide", decides, (*visit).decideForm},
		{post, "/console/cases/{id}/decide", decides, (*visit).decide},
		{post, "/console/cases/{id}/ask", decides, (*visit).askParty},
		{post, "/console/cases/{id}/reply", decides, (*visit).reply},
		{post, "/console/cases/{id}/dismiss", decides, (*visit).dismiss},
		{post, "/console/cases/{id}/close", decides, (*visit).closeCase},
		{post, "/console/cases/{id}/merge", decides, (*visit).merge},
		{post, "/console/cases/{id}/reread", decides, (*visit).reread},
		{post, "/console/cases/{id}/relieve", decides, (*visit).relieve},
		{post, "/console/cases/{id}/sent", decides, (*visit).dossierSent},
		{post, "/console/cases/{id}/pronounce", runs, (*visit).pronounce},
		{post, "/console/cases/{id}/external", runs, (*visit).external},
		{post, "/console/cases/{id}/measure", decides, (*visit).decideMeasure},
		{post, "/console/cases/{id}/measure-appeal", releases, (*visit).decideMeasureAppeal},

		{get, "/console/code", staff, (*visit).helpdesk},
		{get, "/console/explain", staff, (*visit).explain},
		{get, "/console/lists", staff, (*visit).lists},
		{get, "/console/lists/{list}", staff, (*visit).list},
		{post, "/console/lists/{list}/read", runs, (*visit).readAgain},
		{post, "/console/lists/{list}/confirm", runs, (*visit).confirm},
		{get, "/console/generations", staff, (*visit).diff},
		{post, "/console/generations/back", runs, (*visit).rollBack},

		{get, "/console/holds", staff, (*visit).holds},
		{get, "/console/holds/release", releases, (*visit).holdForm},
		{post, "/console/holds/release", releases, (*visit).releaseHold},

		{get, "/console/orders", staff, (*visit).orders},
		{get, "/console/orders/{list}/{ref}", staff, (*visit).showOrder},
		{post, "/console/orders/{list}/{ref}/suspend", runs, (*visit).suspendOrder},
		{post, "/console/orders/{list}/{ref}/resume", runs, (*visit).resumeOrder},
		{post, "/console/orders/{list}/{ref}/lift", runs, (*visit).liftOrder},
		{post, "/console/orders/{list}/{ref}/release", runs, (*visit).releaseOrder},

		{get, "/console/exceptions", staff, (*visit).exceptions},
		{post, "/console/exceptions", runs, (*visit).makeException},
		{get, "/console/exceptions/{id}", staff, (*visit).showException},
		{post, "/console/exceptions/{id}/end", releases, (*visit).endException},

		{get, "/console/accounts", runs, (*visit).accountList},

		{get, "/console/alarms", staff, (*visit).alarms},
		{post, "/console/alarms/{id}", runs, (*visit).acknowledge},

		{get, "/console/events", staff, (*visit).trail},
		{get, "/console/events.csv", roles{auditor, operator}, (*visit).exportCSV},
		{get, "/console/events.jsonl", roles{auditor, operator}, (*visit).exportJSON},
		{get, "/console/charts", staff, (*visit).charts},
		{get, "/console/overdue", staff, (*visit).regulator},
		{get, "/console/misuse", staff, (*visit).misuse},

		{get, "/console/authority", theirs, (*visit).authorityHome},
		{post, "/console/authority", theirs, (*visit).submit},
		{get, "/console/authority/orders/{list}/{ref}", theirs, (*visit).ownOrder},
		{post, "/console/authority/orders/{list}/{ref}/lift", theirs, (*visit).liftOwn},
	}
}

// places are the pages of the navigation, in order, each with the key that leads to it.
func places() []page.Link {
	return []page.Link{
		{Address: "/console/cases", Text: "Cases", Key: "1"},
		{Address: "/console/code", Text: "Look up a code", Key: "2"},
		{Address: "/console/explain", Text: "Explain a name", Key: "3"},
		{Address: "/console/lists", Text: "Lists", Key: "4"},
		{Address: "/console/holds", Text: "Holds", Key: "5"},
		{Address: "/console/orders", Text: "Orders", Key: "6"},
		{Address: "/console/exceptions", Text: "Exceptions", Key: "7"},
		{Address: "/console/alarms", Text: "Alarms", Key: "8"},
		{Address: "/console/events", Text: "Audit trail", Key: "9"},
		{Address: "/console/overdue", Text: "Past their date", Key: "o"},
		{Address: "/console/misuse", Text: "Misuse", Key: "m"},
		{Address: "/console/charts", Text: "Charts", Key: "c"},
		{Address: "/console/accounts", Text: "Accounts", Key: "a"},
		{Address: "/console/authority", Text: "Your orders", Key: "1"},
		{Address: "/console/help", Text: "Help", Key: "0"},
	}
}

// navigation is what the visitor may go to.
func (v *visit) navigation() []page.Link {
	var made []page.Link
	for _, one := range places() {
		if v.may(http.MethodGet, one.Address) {
			one.Current = one.Address == v.r.URL.Path
			made = append(made, one)
		}
	}
	if v.config.Home != "" && v.Role == redress.Operator {
		made = append(made, page.Link{Address: v.config.Home, Text: "At home"})
	}
	if v.config.Accounts != "" {
		made = append(made, page.Link{Address: v.config.Accounts, Text: "Your account"})
	}
	return made
}

func (h *handler) serve() (http.Handler, error) {
	var made []route.Route
	for _, one := range h.routes() {
		made = append(made, route.Route{Method: one.method, Path: one.path, Handler: h.staffOnly(one.may, one.do)})
	}
	wrongMethod := func(w http.ResponseWriter, _ string) {
		http.Error(w, "This page cannot be used that way.", http.StatusMethodNotAllowed)
	}
	protection := http.NewCrossOriginProtection()
	if origin := h.origin(); origin != "" {
		if err := protection.AddTrustedOrigin(origin); err != nil {
			return nil, err
		}
	}
	protection.SetDenyHandler(http.HandlerFunc(h.pages.Foreign))
	return page.Guarded(protection.Handler(route.Mux(made, wrongMethod, h.pages.Missing))), nil
}

// origin is the scheme and host of the portal, which a front end may have before a host of another name.
func (h *handler) origin() string {
	scheme, rest, found := strings.Cut(h.kit.Operator().Portal, "://")
	if !found {
		return ""
	}
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host
}
