package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/redress/orders"
)

// withOrders does something with the orders of a running or a stopped server.
func withOrders(ctx context.Context, env *environment, flag ConfigFlag, do func(*desk) error) error {
	desk, err := openDesk(ctx, env, flag)
	if err != nil {
		return err
	}
	return errors.Join(do(desk), desk.close())
}

// path is the order's address, and what more of it.
func (o *OrderFlag) path(more string) string {
	query := url.Values{}
	if o.List != "" {
		query.Set("list", string(o.List))
	}
	if o.By != "" {
		query.Set("by", o.By)
	}
	path := "/orders/" + url.PathEscape(o.Ref) + more
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path
}

// maxOrderFile bounds what is read of an order.
const maxOrderFile = 16 << 20

// readJSONFile reads a document of known fields; - is standard input.
func readJSONFile(env *environment, path string, into any) error {
	from := env.stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		from = file
	}
	text, err := io.ReadAll(io.LimitReader(from, maxOrderFile))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		line := 1 + bytes.Count(text[:min(decoder.InputOffset(), int64(len(text)))], []byte("\n"))
		return fmt.Errorf("%s, near line %d: %w", path, line, err)
	}
	return nil
}

// runOrdersAdd enters an order.
func runOrdersAdd(ctx context.Context, env *environment, options OrderAddOptions) error {
	if options.File == "" && options.Ref == "" {
		return wrongUse("give the order as a file, or with --ref and the other flags")
	}
	var submission orders.Submission
	if options.File != "" {
		if err := readJSONFile(env, options.File, &submission); err != nil {
			return err
		}
	}
	options.fill(&submission)
	path := "/orders"
	if options.By != "" {
		path += "?by=" + url.QueryEscape(options.By)
	}
	return withOrders(ctx, env, options.ConfigFlag, func(desk *desk) error {
		return desk.changed(ctx, env.stdout, options.JSON, http.MethodPost, path, &submission)
	})
}

// fill puts what the flags say into the order.
func (o *OrderAddOptions) fill(submission *orders.Submission) {
	for _, one := range []struct {
		flag string
		to   *string
	}{{o.Ref, &submission.Ref}, {o.Authority, &submission.Authority.Name}, {o.Language, &submission.Language}, {o.Effective, &submission.Effective},
		{o.EnforceBy, &submission.EnforceBy}, {o.Expires, &submission.Expires}} {
		if one.flag != "" {
			*one.to = one.flag
		}
	}
	if o.List != "" {
		submission.List = o.List
	}
	if o.Act != "" {
		submission.LegalBasis = []blocklists.Basis{{Act: o.Act, Article: o.Article}}
	}
	if len(o.Jurisdiction) > 0 {
		submission.Jurisdiction = o.Jurisdiction
	}
	if len(o.Reason) > 0 {
		submission.Reasons = o.Reason
	}
	if o.Venue != "" {
		submission.Redress.Venues = append(submission.Redress.Venues, blocklists.Venue{Name: o.Venue})
	}
	for _, name := range o.Name {
		submission.Entries = append(submission.Entries, orders.Name{Name: name, Scope: o.Scope})
	}
}

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

// changed calls, and says how the order stands then.
func (d *desk) changed(ctx context.Context, to io.Writer, asJSON bool, method, path string, body any) error {
	var raw json.RawMessage
	if err := d.call(ctx, method, path, body, &raw); err != nil {
		return err
	}
	if asJSON {
		return printJSON(to, raw)
	}
	var order changedOrder
	if err := json.Unmarshal(raw, &order); err != nil {
		return err
	}
	var text strings.Builder
	order.write(&text)
	_, err := io.WriteString(to, text.String())
	return err
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

// runOrdersChange changes an order as a file says.
func runOrdersChange(ctx context.Context, env *environment, options OrderChangeOptions) error {
	var change orders.Change
	if err := readJSONFile(env, options.File, &change); err != nil {
		return err
	}
	return withOrders(ctx, env, options.ConfigFlag, func(desk *desk) error {
		return desk.changed(ctx, env.stdout, options.JSON, http.MethodPatch, options.path(""), &change)
	})
}

// runOrdersLift lifts names, or the whole order.
func runOrdersLift(ctx context.Context, env *environment, options OrderLiftOptions) error {
	var decision *orders.Decision
	if options.DecisionBy != "" {
		decision = &orders.Decision{Authority: blocklists.Authority{Name: options.DecisionBy}, Ref: options.DecisionRef}
	}
	return withOrders(ctx, env, options.ConfigFlag, func(desk *desk) error {
		if len(options.Name) == 0 {
			return desk.changed(ctx, env.stdout, options.JSON, http.MethodDelete, options.path(""), &orders.Ending{Why: options.Why, Decision: decision})
		}
		change := orders.Change{Why: options.Why, Decision: decision}
		for _, name := range options.Name {
			change.Lift = append(change.Lift, orders.Name{Name: name})
		}
		return desk.changed(ctx, env.stdout, options.JSON, http.MethodPatch, options.path(""), &change)
	})
}

// runOrdersSuspend stops an order's effect.
func runOrdersSuspend(ctx context.Context, env *environment, options OrderSuspendOptions) error {
	pause := orders.Pause{Until: options.Until.UTC().Format(time.RFC3339), Reason: options.Reason}
	return withOrders(ctx, env, options.ConfigFlag, func(desk *desk) error {
		return desk.changed(ctx, env.stdout, options.JSON, http.MethodPost, options.path("/suspension"), &pause)
	})
}

// runOrdersResume ends a suspension.
func runOrdersResume(ctx context.Context, env *environment, options OrderResumeOptions) error {
	return withOrders(ctx, env, options.ConfigFlag, func(desk *desk) error {
		return desk.changed(ctx, env.stdout, options.JSON, http.MethodDelete, options.path("/suspension"), nil)
	})
}

// runOrdersRelease says one person's word for names that are held.
func runOrdersRelease(ctx context.Context, env *environment, options OrderReleaseOptions) error {
	return withOrders(ctx, env, options.ConfigFlag, func(desk *desk) error {
		return desk.changed(ctx, env.stdout, options.JSON, http.MethodPost, options.path("/releases"), &orders.Letting{Names: options.Name, Note: options.Note})
	})
}

// runOrdersList prints all orders.
func runOrdersList(ctx context.Context, env *environment, options OrderListOptions) error {
	return withOrders(ctx, env, options.ConfigFlag, func(desk *desk) error { return desk.listOrders(ctx, env.stdout, options.JSON) })
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

// runOrdersShow prints one order.
func runOrdersShow(ctx context.Context, env *environment, options OrderShowOptions) error {
	return withOrders(ctx, env, options.ConfigFlag, func(desk *desk) error {
		var raw json.RawMessage
		if err := desk.call(ctx, http.MethodGet, options.path(""), nil, &raw); err != nil {
			return err
		}
		if options.JSON {
			return printJSON(env.stdout, raw)
		}
		var order printedOrder
		if err := json.Unmarshal(raw, &order); err != nil {
			return err
		}
		_, err := io.WriteString(env.stdout, order.text())
		return err
	})
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

// runOrdersReceipts prints what proves an order.
func runOrdersReceipts(ctx context.Context, env *environment, options ReceiptsOptions) error {
	return withOrders(ctx, env, options.ConfigFlag, func(desk *desk) error {
		var raw json.RawMessage
		if err := desk.call(ctx, http.MethodGet, options.path("/receipts"), nil, &raw); err != nil {
			return err
		}
		if options.JSON {
			return printJSON(env.stdout, raw)
		}
		return printReceipts(env.stdout, raw)
	})
}

func printReceipts(to io.Writer, raw json.RawMessage) error {
	var proof struct {
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
	if err := json.Unmarshal(raw, &proof); err != nil {
		return err
	}
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
	_, err := io.WriteString(to, text.String())
	return err
}
