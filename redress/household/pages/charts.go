package pages

import (
	"maps"
	"net/http"
	"slices"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/accounts"
	"github.com/recourse-dns/recourse/redress/page"
)

// chartsView is how often filters helped, for the whole home.
type chartsView struct {
	On     bool
	Charts []page.Chart
}

// charted says whether there are charts for an account: they count for a whole home, so only who has the whole home
// has them.
func (h *handler) charted(who accounts.Identity) bool {
	return h.config.Charts != nil && h.everything(who)
}

func (h *handler) charts(w http.ResponseWriter, r *http.Request, who accounts.Identity) {
	if !h.charted(who) {
		h.fail(w, r, redress.ErrNotFound)
		return
	}
	view := chartsView{On: h.config.Charts.On()}
	if view.On {
		weeks, err := h.config.Charts.Weeks(r.Context())
		if err != nil {
			h.fail(w, r, err)
			return
		}
		view.Charts = h.chartsOf(r, weeks)
	}
	h.write(w, r, http.StatusOK, "charts", h.pages.Tongue(r).Say("charts.title"), &view)
}

// chartsOf makes a chart a category.
func (h *handler) chartsOf(r *http.Request, weeks []Week) []page.Chart {
	tongue := h.pages.Tongue(r)
	categories := make(map[string]bool)
	for _, week := range weeks {
		for category := range week.Counts {
			categories[category] = true
		}
	}
	var charts []page.Chart
	for _, category := range slices.Sorted(maps.Keys(categories)) {
		title := tongue.Word("category", category)
		chart := page.Chart{Title: title, Labels: tongue.Say("charts.week"), Series: []page.Series{{Name: title}}}
		for _, week := range weeks {
			chart.Steps = append(chart.Steps, tongue.Day(week.Start))
			chart.Series[0].Values = append(chart.Series[0].Values, float64(week.Counts[category]))
		}
		charts = append(charts, chart)
	}
	return charts
}

func (h *handler) switchCharts(w http.ResponseWriter, r *http.Request, who accounts.Identity) {
	if !h.pages.ReadForm(w, r) {
		return
	}
	if !h.charted(who) {
		h.fail(w, r, redress.ErrNotFound)
		return
	}
	if err := h.config.Charts.Switch(r.Context(), who.Name, r.PostForm.Get("on") == "yes"); err != nil {
		h.fail(w, r, err)
		return
	}
	h.done(w, r, "/home/charts")
}
