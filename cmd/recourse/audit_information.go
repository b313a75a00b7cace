package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/audit"
)

// informationPath is the call that takes orders for information down. It is on the control socket alone.
const informationPath = "/control/v1/information"

// InformationOptions are the flags of orders information.
type InformationOptions struct {
	ConfigFlag
	Authority string `required:"" placeholder:"NAME" help:"Who asked. Not whom the order is about: the log has no personal data."`
	Country   string `required:"" placeholder:"CC" help:"The authority's country, two letters."`
	Received  moment `required:"" placeholder:"TIME" help:"When the order came."`
	Answered  moment `placeholder:"TIME" help:"When it was answered."`
	Held      bool   `help:"There was something to tell; without it: the data is not held."`
}

// Help shows the command at work.
func (InformationOptions) Help() string {
	return example("Takes down that an authority asked for information, for the transparency report. What was asked is not taken down:",
		`recourse orders information --authority "Court of Rome" --country IT --received 2026-11-02 --answered 2026-11-04`)
}

// Run is called by the command line.
func (o *InformationOptions) Run(ctx context.Context, env *environment) error {
	facts := audit.InformationOrder{Authority: o.Authority, Country: o.Country, Received: o.Received.Time, Answered: o.Answered.Time, Held: o.Held}
	if err := checkInformation(&facts); err != nil {
		return wrongUse("%s", err)
	}
	desk, err := openNode(ctx, env, o.ConfigFlag, &node{asItIs: true})
	if err != nil {
		return err
	}
	var taken audit.InformationOrder
	if err := desk.callAt(ctx, http.MethodPost, informationPath, facts, &taken); err != nil {
		return errors.Join(err, desk.close())
	}
	_, err = fmt.Fprintf(env.stdout, "taken down: %s (%s) asked on %s\n", taken.Authority, taken.Country, taken.Received.Format(time.DateOnly))
	return errors.Join(err, desk.close())
}

// maxAuthority is the longest name of an authority, in octets.
const maxAuthority = 200

func checkInformation(facts *audit.InformationOrder) error {
	facts.Authority, facts.Country = strings.TrimSpace(facts.Authority), strings.ToUpper(strings.TrimSpace(facts.Country))
	facts.Received, facts.Answered = facts.Received.UTC(), facts.Answered.UTC()
	hidden := func(r rune) bool { return !unicode.IsGraphic(r) }
	switch {
	case facts.Authority == "" || len(facts.Authority) > maxAuthority || strings.ContainsFunc(facts.Authority, hidden):
		return fmt.Errorf("authority: a name of at most %d octets", maxAuthority)
	case len(facts.Country) != 2 || strings.Trim(facts.Country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "":
		return fmt.Errorf("country: %.10q is no code of two letters, as IT", facts.Country)
	case facts.Received.IsZero() || facts.Received.After(time.Now()):
		return errors.New("received: a time that is over")
	case !facts.Answered.IsZero() && facts.Answered.Before(facts.Received):
		return errors.New("answered: before the order was received")
	}
	return nil
}

// auditCalls puts the call that takes things down beside others.
func auditCalls(others http.Handler, database *store.DB) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", others)
	mux.HandleFunc("POST "+informationPath, callOf(func(ctx context.Context, facts audit.InformationOrder, actor string) (audit.InformationOrder, error) {
		if err := checkInformation(&facts); err != nil {
			return facts, err
		}
		return facts, database.Tx(ctx, func(tx *store.Tx) error {
			by := redress.Actor{Name: actor, Role: redress.Operator}
			return audit.Log{DB: database}.Note(ctx, tx, "information", audit.Informed, by, facts)
		})
	}))
	return mux
}
