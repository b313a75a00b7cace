package redress

import (
	"context"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
)

// Dossier is what an authority is sent of a case about its order, and what the party can file
// by itself at once: the fields of Article 9 of Regulation (EU) 2022/2065, and what the party
// says. It holds no contact.
type Dossier struct {
	Case      CaseID               `json:"case"`
	Filed     time.Time            `json:"filed"`
	Authority blocklists.Authority `json:"authority"`
	// Order is what the authority ordered (Article 9(2)).
	Order        string              `json:"order"`
	Code         string              `json:"reason_code"`
	Name         string              `json:"name"`
	Scope        string              `json:"scope"`
	Contested    string              `json:"contested_name"`
	LegalBasis   []blocklists.Basis  `json:"legal_basis"`
	Reasons      map[string]string   `json:"reasons"`
	Document     blocklists.Document `json:"document,omitzero"`
	Territory    []string            `json:"territory"`
	Since        time.Time           `json:"since,omitzero"`
	Until        time.Time           `json:"until,omitzero"`
	Language     string              `json:"language,omitempty"`
	Venues       []blocklists.Venue  `json:"venues"`
	Deadline     string              `json:"deadline,omitempty"`
	DeadlineFrom string              `json:"deadline_from,omitempty"`
	Languages    []string            `json:"languages"`
	Cost         string              `json:"cost,omitempty"`
	// Missing are fields that Article 9 asks for and the order does not have.
	Missing []string `json:"missing"`
	// Role is who contests, Verified whether control of the name was proved, Explanation why.
	Role        Role   `json:"role"`
	Verified    bool   `json:"verified"`
	Explanation string `json:"explanation"`
	// Operator asks, and is answered at Contact. Reminder and Unanswered are when it reminds,
	// and publishes that there was no answer.
	Operator   string    `json:"operator"`
	Contact    string    `json:"contact"`
	Reminder   time.Time `json:"reminder"`
	Unanswered time.Time `json:"unanswered"`
}

// Dossier is that of the party's case. ErrState: the case is not about an order, or the party
// must not learn that it is.
func (d *Desk) Dossier(ctx context.Context, id CaseID, token string) (Dossier, error) {
	one, err := d.open(ctx, id, token)
	if err != nil {
		return Dossier{}, err
	}
	if one.Unconfirmed() || one.Kind() != Ordered {
		return Dossier{}, ErrState
	}
	return d.dossier(one), nil
}

// DossierFor is Dossier for people of ours.
func (d *Desk) DossierFor(ctx context.Context, actor Actor, id CaseID) (Dossier, error) {
	one, err := d.Review(ctx, actor, id)
	if err != nil {
		return Dossier{}, err
	}
	if one.Kind() != Ordered {
		return Dossier{}, ErrState
	}
	return d.dossier(one), nil
}

func (d *Desk) dossier(one *Case) Dossier {
	at, sent := one.opened(), one.referredAt(now())
	made := Dossier{
		Case: one.ID, Filed: at, Order: one.Entry.Order, Code: one.Entry.Code.String(), Name: one.Entry.Name.String(), Scope: one.Entry.Scope.String(),
		Contested: one.Contested().String(), Role: one.Filing.Role, Verified: !one.Filing.Verified.IsZero(), Explanation: one.explanation(),
		Operator: d.config.Operator, Contact: d.config.Contact,
		Reminder: sent.AddDate(0, 0, RemindDays), Unanswered: sent.AddDate(0, 0, AnswerDays),
		LegalBasis: []blocklists.Basis{}, Reasons: map[string]string{}, Territory: []string{}, Venues: []blocklists.Venue{}, Languages: []string{}, Missing: []string{},
	}
	if match, found := d.match(one.Entry); found {
		made.order(&match, d.index().ReasonOf(match))
	}
	made.missing()
	return made
}

func (d *Dossier) order(match *policy.Match, reason policy.Reason) {
	d.Authority = match.Authority()
	d.LegalBasis = append(d.LegalBasis, match.LegalBasis()...)
	d.Territory = append(d.Territory, match.Jurisdiction()...)
	if reason.Reasons != nil {
		d.Reasons = reason.Reasons
	}
	d.Document, d.Language, d.Since, d.Until = reason.Document, reason.Language, reason.Since, reason.Until
	d.Venues = append(d.Venues, reason.Redress.Venues...)
	d.Languages = append(d.Languages, reason.Redress.Languages...)
	d.Deadline, d.DeadlineFrom, d.Cost = reason.Redress.Deadline, reason.Redress.DeadlineFrom, reason.Redress.Cost
}

// missing says what an order should have told (Article 9(2)(a) and (b)).
func (d *Dossier) missing() {
	for _, field := range []struct {
		name string
		here bool
	}{
		{"reference", d.Order != ""}, {"authority", d.Authority.Name != ""}, {"legal basis", len(d.LegalBasis) > 0},
		{"statement of reasons", len(d.Reasons) > 0}, {"territorial scope", len(d.Territory) > 0}, {"redress", len(d.Venues) > 0}, {"language", d.Language != ""},
	} {
		if !field.here {
			d.Missing = append(d.Missing, field.name)
		}
	}
}

// explanation is what the party wrote first.
func (c *Case) explanation() string {
	for _, event := range c.Events {
		if event.Kind == FiledEvent {
			return c.Text(event, Explanation)
		}
	}
	return ""
}
