package console

import (
	"net/http"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/redress/page"
	cases "github.com/recourse-dns/recourse/redress/store"
)

type chartsContent struct {
	Facts  facts
	Charts []page.Chart
}

// weeks is how far back charts go.
const weeks = 12

func (v *visit) charts() {
	desk, now := cases.New(v.Database), time.Now()
	first := cases.WeekOf(now) - weeks + 1
	figures, err := desk.Figures(v.r.Context(), cases.WeekStart(first))
	if err != nil {
		v.fail(err)
		return
	}
	all, waiting, err := desk.Waiting(v.r.Context())
	if err != nil {
		v.fail(err)
		return
	}
	reversals, err := v.Database.Reversals(v.r.Context())
	if err != nil {
		v.fail(err)
		return
	}
	content := chartsContent{Charts: []page.Chart{queueChart(&figures, first), timesChart(&figures, first), reversalsChart(reversals), blocksChart(&figures, now)}}
	content.Facts.add("Cases", text(formatted("%s, of which %d wait for us", counted(all), waiting)))
	v.show(http.StatusOK, "charts", "Charts", &content)
}

// queueChart is how many cases were filed, decided and not over at the end of each week.
func queueChart(figures *cases.Figures, first int64) page.Chart {
	made := page.Chart{Title: "Cases by week", Labels: "Week of", Series: []page.Series{{Name: "filed"}, {Name: "decisions"}, {Name: "not over at its end"}}}
	open := figures.Open // back to the beginning
	for week := first; week < first+weeks; week++ {
		open -= figures.Filed[week] - figures.Over[week]
	}
	for week := first; week < first+weeks; week++ {
		open += figures.Filed[week] - figures.Over[week]
		made.Steps = append(made.Steps, cases.WeekStart(week).Format(time.DateOnly))
		for i, value := range []int{figures.Filed[week], figures.Decided[week], max(open, 0)} {
			made.Series[i].Values = append(made.Series[i].Values, float64(value))
		}
	}
	return made
}

// timesChart is how many hours decisions took.
func timesChart(figures *cases.Figures, first int64) page.Chart {
	made := page.Chart{Title: "Hours from filing to decision", Labels: "Week of", Series: []page.Series{{Name: "half took at most"}, {Name: "19 of 20 took at most"}}}
	for week := first; week < first+weeks; week++ {
		took := figures.Waited[week]
		slices.Sort(took)
		made.Steps = append(made.Steps, cases.WeekStart(week).Format(time.DateOnly))
		made.Series[0].Values = append(made.Series[0].Values, hoursAt(took, 50))
		made.Series[1].Values = append(made.Series[1].Values, hoursAt(took, 95))
	}
	return made
}

// hoursAt is the length that a share of the sorted ones does not pass, to a tenth of an hour.
func hoursAt(sorted []time.Duration, percent int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := (len(sorted)*percent + 99) / 100
	return float64(max(sorted[max(at, 1)-1], 0)/(6*time.Minute)) / 10
}

func reversalsChart(reversals map[blocklists.ListID]int) page.Chart {
	made := page.Chart{Title: "Reversals by list", Labels: "List", Series: []page.Series{{Name: "reversed"}}}
	lists := make([]blocklists.ListID, 0, len(reversals))
	for list := range reversals {
		lists = append(lists, list)
	}
	slices.SortFunc(lists, func(a, b blocklists.ListID) int { return reversals[b] - reversals[a] })
	for _, list := range lists[:min(len(lists), 20)] {
		made.Steps = append(made.Steps, string(list))
		made.Series[0].Values = append(made.Series[0].Values, float64(reversals[list]))
	}
	return made
}

// blocksChart is the answers that were withheld each day, as far as they are counted.
func blocksChart(figures *cases.Figures, now time.Time) page.Chart {
	made := page.Chart{Title: "Answers withheld by day", Labels: "Day", Series: []page.Series{{Name: "withheld"}}}
	today := now.Unix() / 86400
	for day := today - 30; day < today; day++ {
		made.Steps = append(made.Steps, time.Unix(day*86400, 0).UTC().Format(time.DateOnly))
		made.Series[0].Values = append(made.Series[0].Values, float64(figures.Blocks[day]))
	}
	return made
}
