package report

import (
	"fmt"
	"time"
)

// Transparency is the report of a period: tables in the sections of Implementing Regulation
// (EU) 2024/2835, and our own behind them.
type Transparency struct {
	Operator string    `json:"operator"`
	Portal   string    `json:"portal"`
	From     string    `json:"from"`
	To       string    `json:"to"`
	Log      LogEnd    `json:"log"`
	Parts    []Part    `json:"sections"`
	Balances []Balance `json:"reconciliation"`
	Months   []Month   `json:"months"`
}

// LogEnd is up to where the report knows the log.
type LogEnd struct {
	Sequence int64  `json:"sequence"`
	Hash     string `json:"hash"`
}

// Part is one section.
type Part struct {
	ID     string  `json:"id"`
	Title  string  `json:"title"`
	Tables []Table `json:"tables"`
}

// Table is one metric, or a part of one: numbers (measures) by what they are split by.
type Table struct {
	Metric   int      `json:"metric"`
	Title    string   `json:"title"`
	Note     string   `json:"note,omitempty"`
	Splits   []string `json:"splits"`
	Measures []string `json:"measures"`
	Rows     []Line   `json:"rows"`
}

// Line is one row of a table. A number that there is not is null.
type Line struct {
	Split  []string   `json:"split"`
	Values []*float64 `json:"values"`
}

// Make makes the report of a period. Its error is ErrBalance where the totals do not reconcile.
func (b *Book) Make(operator, portal string, period Period) (*Transparency, error) {
	balances, err := b.balances(period)
	if err != nil {
		return nil, err
	}
	t := b.totals(period)
	if err := t.check(); err != nil {
		return nil, err
	}
	made := &Transparency{
		Operator: operator, Portal: portal, From: period.From.Format(time.DateOnly), To: period.To.Format(time.DateOnly),
		Log: LogEnd{Sequence: b.Sequence, Hash: b.Hash}, Balances: balances, Months: b.byMonth(period),
	}
	made.Parts = []Part{
		{ID: "1.1", Title: "Identification", Tables: []Table{t.identification(made)}},
		{ID: "1.2.1", Title: "Orders of authorities to act", Tables: []Table{t.orders(), t.deficiencies(), t.orderTimes(), t.orderChanges()}},
		{ID: "1.2.2", Title: "Orders of authorities to give information", Tables: []Table{t.information()}},
		{ID: "1.3", Title: "Notices and cases received", Tables: []Table{t.received(), t.verified()}},
		{ID: "1.4", Title: "What lists withhold", Tables: []Table{t.entries(), t.ages(), t.blocked()}},
		{ID: "1.5", Title: "Complaints, appeals and misuse", Tables: []Table{t.cases(balances), t.outcomes(), t.basis(), t.caseTimes(), t.missed(), t.appeals(), t.misuse()}},
		{ID: "1.6", Title: "Automated means", Tables: []Table{t.detection(), t.automation()}},
		{ID: "1.7", Title: "Who works at the desk", Tables: []Table{t.people()}},
		{ID: "1.8", Title: "Whom the resolver serves", Tables: []Table{t.recipients()}},
		{ID: "own", Title: "Over-blocking, lists and choices", Tables: []Table{t.tooMuch(), t.scores(), t.choices()}},
	}
	return made, nil
}

// check holds counts to others that must be the same.
func (t *totals) check() error {
	for _, purpose := range t.below("received") {
		if received, filed := t.sum("received", purpose[0]), t.sum("filed", purpose[0]); received != filed {
			return fmt.Errorf("%w: purpose %s: %d cases were received, and %d were filed by somebody", ErrBalance, purpose[0], received, filed)
		}
	}
	return nil
}

func number(n int64) *float64 {
	value := float64(n)
	return &value
}

// ratio is null where it would be of nothing; it is rounded to six places.
func ratio(part, whole int64) *float64 {
	if whole == 0 {
		return nil
	}
	value := float64(int64(float64(part)/float64(whole)*1e6+0.5)) / 1e6
	return &value
}

// add appends a row.
func (t *Table) add(split []string, values ...*float64) {
	if values == nil {
		values = []*float64{} // which JSON writes as a list
	}
	t.Rows = append(t.Rows, Line{Split: split, Values: values})
}

// minutes are the median and the 95th percentile of lengths, or null.
func (t *totals) minutes(parts ...string) (count, median, high *float64) {
	n, middle := t.length(0.5, parts...)
	if n == 0 {
		return number(0), nil, nil
	}
	_, top := t.length(0.95, parts...)
	return number(n), number(middle), number(top)
}

// Month is what the charts show: cases, and withheld answers by purpose.
type Month struct {
	Month    string `json:"month"`
	Received int64  `json:"received"`
	Closed   int64  `json:"closed"`
	Law      int64  `json:"law"`
	Security int64  `json:"security"`
	User     int64  `json:"user"`
}

// maxMonths is how many months a chart has; a longer report shows the last ones.
const maxMonths = 60

func (b *Book) byMonth(period Period) []Month {
	var months []Month
	index := map[string]int{}
	for at := time.Date(period.From.Year(), period.From.Month(), 1, 0, 0, 0, 0, time.UTC); !at.After(period.To); at = at.AddDate(0, 1, 0) {
		index[at.Format("2006-01")] = len(months)
		months = append(months, Month{Month: at.Format("2006-01")})
	}
	for day := dayOf(period.From); day <= dayOf(period.To); day++ {
		if of := b.Days[day]; of != nil {
			months[index[dateOf(day)[:7]]].take(b, of)
		}
	}
	return months[max(0, len(months)-maxMonths):]
}

func (m *Month) take(b *Book, day *Day) {
	for key, n := range day.Counts {
		switch what, list := partsOf(key); what {
		case "received":
			m.Received += n
		case "closed":
			m.Closed += n
		case "blocked":
			switch b.purposeOf(list) {
			case "law":
				m.Law += n
			case "security":
				m.Security += n
			case "user":
				m.User += n
			}
		}
	}
}
