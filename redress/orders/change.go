package orders

import (
	"context"
	"fmt"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

// Change is what is to become of an order: names that it gets and loses, corrections, dates
// and texts. What is left out stays.
type Change struct {
	Add       []Name               `json:"add,omitempty"`
	Lift      []Name               `json:"lift,omitempty"` // without a scope: whatever the scope
	Correct   []Correction         `json:"correct,omitempty"`
	Effective string               `json:"effective,omitempty"`
	EnforceBy string               `json:"enforce_by,omitempty"`
	Expires   string               `json:"expires,omitempty"`
	Reasons   map[string]string    `json:"reasons,omitempty"`
	Language  string               `json:"language,omitempty"`
	Document  *blocklists.Document `json:"document,omitempty"`
	Redress   *Redress             `json:"redress,omitempty"`
	// Published is where the public reads of the order.
	Published *blocklists.Published `json:"published,omitempty"`
	Why       string                `json:"why,omitempty"`
	Decision  *Decision             `json:"decision,omitempty"`
}

// Correction is of one name: another name in its place, or dates of its own.
type Correction struct {
	Name      string `json:"name"`
	Scope     string `json:"scope,omitempty"`
	To        string `json:"to,omitempty"`
	ToScope   string `json:"to_scope,omitempty"`
	Effective string `json:"effective,omitempty"`
	Expires   string `json:"expires,omitempty"`
}

// Decision is another authority's, or a higher court's, on an order. Two people enter it, and
// it goes before the order's own authority.
type Decision struct {
	Authority blocklists.Authority `json:"authority"`
	Ref       string               `json:"ref"`
}

// String is who decided, and under which reference.
func (d *Decision) String() string {
	if d == nil {
		return ""
	}
	return d.Authority.Name + ", " + d.Ref
}

func (d *Decision) check(wrong *invalid) {
	if d == nil {
		return
	}
	if d.Authority.Name == "" || len(d.Authority.Name) > maxWhy {
		wrong.add("decision.authority.name", "is missing: who decided")
	}
	if d.Ref == "" || len(d.Ref) > maxWhy {
		wrong.add("decision.ref", "is missing: the number of the decision")
	}
}

// maxWhy is the longest a reason of a change may be, in octets.
const maxWhy = 2000

// Change changes an order. When it returns without an error the change is on the disk, and
// with an effect it is in force for the next query.
func (o *Office) Change(ctx context.Context, sender *Sender, ref string, list blocklists.ListID, change *Change) (Outcome, error) {
	at, wrong := now(), new(invalid)
	change.Decision.check(wrong)
	if len(change.Why) > maxWhy {
		wrong.add("why", "is longer than %d octets", maxWhy)
	}
	wanted := change.read(wrong)
	if err := wrong.err(); err != nil {
		return Outcome{}, err
	}
	return o.edit(ctx, sender, ref, list, change.Decision, digestOf(change), at, func(ctx context.Context, e *edit) error {
		e.why = change.Why
		return e.change(ctx, change, wanted)
	})
}

// wanted is a change as it was read.
type wanted struct {
	add, lift []blocklists.OrderEntry
	correct   []correction
	effective time.Time
	enforceBy time.Time
	expires   time.Time
	redress   *blocklists.Redress
}

type correction struct {
	from               blocklists.OrderEntry
	anyScope           bool
	to                 *blocklists.OrderEntry
	keepsScope         bool // nobody spoke of another
	effective, expires time.Time
}

func (c *Change) read(wrong *invalid) *wanted {
	if len(c.Add)+len(c.Lift)+len(c.Correct) > blocklists.MaxOrderNames {
		wrong.add("add", "with lift and correct has %d names; one call takes %d", len(c.Add)+len(c.Lift)+len(c.Correct), blocklists.MaxOrderNames)
		return nil
	}
	made := &wanted{
		add: readNames("add", c.Add, wrong), lift: readNames("lift", c.Lift, wrong),
		effective: readTime("effective", c.Effective, wrong), enforceBy: readTime("enforce_by", c.EnforceBy, wrong), expires: readTime("expires", c.Expires, wrong),
	}
	exact("add", made.add, wrong)
	exact("lift", made.lift, wrong)
	for i := range c.Correct {
		made.correct = append(made.correct, c.Correct[i].read(fmt.Sprintf("correct[%d]", i), wrong))
	}
	if c.Redress != nil {
		made.redress = &blocklists.Redress{Venues: c.Redress.Venues, Deadline: readTerm("redress.deadline", c.Redress.Deadline, wrong),
			DeadlineFrom: c.Redress.DeadlineFrom, Languages: c.Redress.Languages, Cost: c.Redress.Cost}
	}
	return made
}

// exact tells which names are none.
func exact(field string, entries []blocklists.OrderEntry, wrong *invalid) {
	for i := range entries {
		if entries[i].Name == "" {
			wrong.add(fmt.Sprintf("%s[%d].name", field, i), "%.80q is not an exact name of a site, as shop.example.org: no address, pattern or star", entries[i].Text)
		}
	}
}

func (c *Correction) read(field string, wrong *invalid) correction {
	from := readNames(field, []Name{{Name: c.Name, Scope: c.Scope}}, wrong)
	exact(field, from, wrong)
	made := correction{from: from[0], anyScope: c.Scope == "", effective: readTime(field+".effective", c.Effective, wrong), expires: readTime(field+".expires", c.Expires, wrong)}
	switch {
	case c.To != "" || c.ToScope != "":
		name, scope := c.To, c.ToScope
		if name == "" {
			name = c.Name
		}
		if scope == "" {
			scope = c.Scope
		}
		to := readNames(field+".to", []Name{{Name: name, Scope: scope}}, wrong)
		exact(field+".to", to, wrong)
		made.to, made.keepsScope = &to[0], c.Scope == "" && c.ToScope == ""
	case made.effective.IsZero() && made.expires.IsZero():
		wrong.add(field, "changes nothing: give to, to_scope, effective or expires")
	}
	if !made.expires.IsZero() && !made.expires.After(made.effective) {
		wrong.add(field+".expires", "is not after effective")
	}
	return made
}
