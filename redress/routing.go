package redress

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/redress/notify"
)

// sendDossier sends the authority its dossier; where we know no address of it, whoever is on
// call sends it on another way.
func (d *Desk) sendDossier(c *Case, at time.Time) (Change, error) {
	dossier := d.dossier(c)
	dossier.Reminder, dossier.Unanswered = at.AddDate(0, 0, RemindDays), at.AddDate(0, 0, AnswerDays)
	body, err := dossierText(&dossier)
	if err != nil {
		return Change{}, err
	}
	change := d.toAuthority(c, DossierEvent, &dossier, "Dossier: your order "+orUnnamed(dossier.Order)+" is contested", body, at)
	if change.Events[0].Content.Method == byHand { // the authority's time begins when a person has sent it
		due := addWorkingDays(at, sendWorkingDays, d.config.Holiday)
		change.Clocks = append(change.Clocks, Clock{Kind: SendClock, At: due}, Clock{Kind: RemindClock}, Clock{Kind: AnswerClock})
	}
	return change, nil
}

// remind asks the authority once more.
func (d *Desk) remind(c *Case, at time.Time) (Change, error) {
	dossier := d.dossier(c)
	body := fmt.Sprintf("On %s we sent you the dossier of case %s: %s contests your order %s.\nWe have no answer. On %s we publish that there was none.\n\nPlease write to %s.\n",
		c.referredAt(at).Format(time.DateOnly), c.ID, c.Filing.Role, orUnnamed(dossier.Order), dossier.Unanswered.Format(time.DateOnly), d.config.Contact)
	return d.toAuthority(c, RemindedEvent, &dossier, "Reminder: your order "+orUnnamed(dossier.Order)+" is contested", body, at), nil
}

func (d *Desk) toAuthority(c *Case, kind EventKind, dossier *Dossier, subject, body string, at time.Time) Change {
	change := c.unchanged()
	address := d.config.Mail[dossier.Authority.Name]
	message := notify.Message{
		To: notify.Mail(address), Kind: "case.referral", Subject: subject, Body: body,
		Key: fmt.Sprintf("case/%s/%s", c.ID, kind),
	}
	if before := c.countKind(kind); before > 0 { // referred once more, after it was listed anew
		message.Key += fmt.Sprintf("/%d", before)
	}
	method := "mail"
	if address == "" {
		method = byHand
		message.To = notify.OnCall()
		message.Subject = fmt.Sprintf("Case %s: send this to %s by hand", c.ID, orUnnamed(dossier.Authority.Name))
		message.Body = "We know no mail address of the authority. Send it what follows on the way that you have.\n" + sayThatItWasSent(c, kind) + "\n" + body
	}
	change.Notices = append(change.Notices, message)
	change.told(kind, clerk, at, Content{Question: Merits, Method: method})
	return change
}

func orUnnamed(text string) string {
	if text == "" {
		return "without a reference"
	}
	return text
}

// dossierText is the dossier to be read, and beneath it for programs.
func dossierText(d *Dossier) (string, error) {
	var text strings.Builder
	add := func(label, value string) {
		if value != "" {
			fmt.Fprintf(&text, "%-22s %s\n", label+":", value)
		}
	}
	fmt.Fprintf(&text, "To %s\n\nThe %s of %s contests a block that you ordered. Whether the order stands is yours to decide.\nWe check by ourselves whether we carried it out rightly.\n\n",
		orUnnamed(d.Authority.Name), d.Role, d.Contested)
	add("Case", string(d.Case))
	add("Filed", d.Filed.Format(time.RFC3339))
	add("Order", d.Order)
	add("Name ordered", d.Name+" ("+d.Scope+")")
	add("Name contested", d.Contested)
	for _, basis := range d.LegalBasis {
		add("Legal basis", strings.TrimSpace(basis.Act+" "+basis.Article))
	}
	add("Territory", strings.Join(d.Territory, ", "))
	add("Missing in the order", strings.Join(d.Missing, ", "))
	add("Control of the name", map[bool]string{true: "proved", false: "not proved"}[d.Verified])
	add("Reminder on", d.Reminder.Format(time.DateOnly))
	add("Published unanswered", d.Unanswered.Format(time.DateOnly))
	fmt.Fprintf(&text, "\nWhat the party writes:\n\n%s\n\n%s, %s\n\n", d.Explanation, d.Operator, d.Contact)
	encoded, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return "", fmt.Errorf("dossier: %w", err)
	}
	text.Write(encoded)
	text.WriteByte('\n')
	return text.String(), nil
}
