package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

// changedOrder is what the commands print of a reply.
type changedOrder struct {
	Ref       string   `json:"ref"`
	List      string   `json:"list"`
	State     string   `json:"state"`
	Names     int      `json:"names"`
	Deficient []string `json:"deficient"`
	Held      []struct {
		Name      string `json:"name"`
		Scope     string `json:"scope"`
		Safeguard string `json:"safeguard"`
		Detail    string `json:"detail"`
	} `json:"held"`
	Effect *struct {
		Generation uint64    `json:"generation"`
		At         time.Time `json:"at"`
	} `json:"effect"`
	SuspendedUntil *time.Time `json:"suspended_until"`
	Waits          bool       `json:"waits_for_second_person"`
}

func (o *changedOrder) write(text *strings.Builder) {
	fmt.Fprintf(text, "%s (list %s): %s, %d names\n", o.Ref, o.List, strings.ReplaceAll(o.State, "_", " "), o.Names)
	if o.Waits {
		text.WriteString("waits for a second person to enter the same\n")
	}
	if o.SuspendedUntil != nil {
		fmt.Fprintf(text, "no effect until %s\n", o.SuspendedUntil.Format(time.RFC3339))
	}
	switch {
	case o.Effect == nil:
	case o.Effect.At.After(time.Now()):
		fmt.Fprintf(text, "in force from %s, generation %d\n", o.Effect.At.Format(time.RFC3339), o.Effect.Generation)
	default:
		fmt.Fprintf(text, "last change in force since %s, generation %d\n", o.Effect.At.Format(time.RFC3339), o.Effect.Generation)
	}
	if len(o.Deficient) > 0 {
		fmt.Fprintf(text, "deficient, and enforced: it lacks %s\n", strings.Join(o.Deficient, ", "))
	}
	for _, held := range o.Held {
		fmt.Fprintf(text, "held: %s (%s), %s\n", held.Name, held.Scope, held.Detail)
	}
}

func (d *desk) listOrders(ctx context.Context, to io.Writer, asJSON bool) error {
	all, after := []json.RawMessage{}, ""
	for {
		var page struct {
			Orders []json.RawMessage `json:"orders"`
			Next   string            `json:"next"`
		}
		if err := d.call(ctx, http.MethodGet, "/orders?after="+url.QueryEscape(after), nil, &page); err != nil {
			return err
		}
		all = append(all, page.Orders...)
		if after = page.Next; after == "" {
			break
		}
	}
	if asJSON {
		return printJSON(to, all)
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(to, "no order was entered")
		return err
	}
	var text strings.Builder
	for _, raw := range all {
		var one struct {
			Ref, List, Authority, State string
			Names, Held                 int
			Deficient                   []string
		}
		if err := json.Unmarshal(raw, &one); err != nil {
			return err
		}
		fmt.Fprintf(&text, "%-11s  %5d names", strings.ReplaceAll(one.State, "_", " "), one.Names)
		if one.Held > 0 {
			fmt.Fprintf(&text, ", %d held", one.Held)
		}
		fmt.Fprintf(&text, "  %s  %s  %s", dash(one.List), dash(one.Ref), dash(one.Authority))
		if len(one.Deficient) > 0 {
			fmt.Fprintf(&text, "  (lacks %s)", strings.Join(one.Deficient, ", "))
		}
		text.WriteByte('\n')
	}
	_, err := io.WriteString(to, text.String())
	return err
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// printedOrder is what show prints beside the reply's fields.
type printedOrder struct {
	changedOrder
	Authority struct {
		Name string `json:"name"`
	} `json:"authority"`
	LegalBasis   []blocklists.Basis `json:"legal_basis"`
	Reasons      map[string]string  `json:"reasons"`
	Jurisdiction []string           `json:"jurisdiction"`
	Received     time.Time          `json:"received"`
	Effective    time.Time          `json:"effective"`
	EnforceBy    *time.Time         `json:"enforce_by"`
	Expires      *time.Time         `json:"expires"`
	Submitter    string             `json:"submitter"`
	Entries      []struct {
		Name      string     `json:"name"`
		Scope     string     `json:"scope"`
		Standing  string     `json:"standing"`
		Lifted    *time.Time `json:"lifted"`
		LiftedBy  string     `json:"lifted_by"`
		LiftedWhy string     `json:"lifted_why"`
	} `json:"entries"`
	Events []struct {
		At    time.Time `json:"at"`
		Kind  string    `json:"kind"`
		Actor string    `json:"actor"`
	} `json:"events"`
}

func (o *printedOrder) text() string {
	var text strings.Builder
	o.write(&text)
	var acts []string
	for _, basis := range o.LegalBasis {
		acts = append(acts, strings.TrimSuffix(basis.Act+", "+basis.Article, ", "))
	}
	fmt.Fprintf(&text, "  ordered by %s under %s, in %s\n", o.Authority.Name, strings.Join(acts, "; "), strings.Join(o.Jurisdiction, ", "))
	fmt.Fprintf(&text, "  received %s from %s, effective %s, enforce by %s, expires %s\n", o.Received.Format(time.RFC3339), o.Submitter, o.Effective.Format(time.RFC3339), when(o.EnforceBy), when(o.Expires))
	var languages []string
	for language := range o.Reasons {
		languages = append(languages, language)
	}
	slices.Sort(languages)
	for _, language := range languages {
		fmt.Fprintf(&text, "  reasons (%s): %q\n", language, o.Reasons[language])
	}
	for _, entry := range o.Entries {
		fmt.Fprintf(&text, "  %s (%s): ", entry.Name, entry.Scope)
		if entry.Lifted == nil {
			fmt.Fprintf(&text, "%s\n", entry.Standing)
			continue
		}
		fmt.Fprintf(&text, "lifted %s by %s", entry.Lifted.Format(time.RFC3339), entry.LiftedBy)
		if entry.LiftedWhy != "" {
			fmt.Fprintf(&text, ": %q", entry.LiftedWhy)
		}
		text.WriteByte('\n')
	}
	for _, event := range o.Events {
		fmt.Fprintf(&text, "  %s  %s by %s\n", event.At.Format(time.RFC3339), event.Kind, event.Actor)
	}
	return text.String()
}

// printedReceipts is what proves an order, as it is printed.
type printedReceipts struct {
	Ref, List, State string
	Receipts         []struct {
		Node, What  string
		Names       int
		Generation  uint64
		Received    time.Time
		InForce     *time.Time `json:"in_force"`
		Scheduled   *time.Time
		Late        float64    `json:"late_seconds"`
		CachedUntil *time.Time `json:"cached_until"`
	}
}

func (proof printedReceipts) text() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s (list %s): %s\n", proof.Ref, proof.List, strings.ReplaceAll(proof.State, "_", " "))
	for _, one := range proof.Receipts {
		fmt.Fprintf(&text, "  %s, %d names: received %s, ", one.What, one.Names, one.Received.Format(time.RFC3339))
		switch {
		case one.InForce != nil:
			fmt.Fprintf(&text, "in force at the resolver %s since %s, generation %d; an answer from before may be kept until %s", one.Node, one.InForce.Format(time.RFC3339), one.Generation, when(one.CachedUntil))
		case one.Scheduled != nil:
			fmt.Fprintf(&text, "to be in force at the resolver %s from %s", one.Node, one.Scheduled.Format(time.RFC3339))
		default:
			text.WriteString("not in force yet")
		}
		if one.Late > 0 {
			fmt.Fprintf(&text, "; LATE by %s", time.Duration(one.Late*float64(time.Second)).Round(time.Second))
		}
		text.WriteByte('\n')
	}
	return text.String()
}
