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
	return changeOrder(ctx, env, options.ConfigFlag, options.JSON, http.MethodPost, path, &submission)
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

// changeOrder calls, and says how the order stands then.
func changeOrder(ctx context.Context, env *environment, flag ConfigFlag, asJSON bool, method, path string, body any) error {
	return callDesk(ctx, env, flag, asJSON, method, path, body, func(order changedOrder) string {
		var text strings.Builder
		order.write(&text)
		return text.String()
	})
}

// runOrdersChange changes an order as a file says.
func runOrdersChange(ctx context.Context, env *environment, options OrderChangeOptions) error {
	var change orders.Change
	if err := readJSONFile(env, options.File, &change); err != nil {
		return err
	}
	return changeOrder(ctx, env, options.ConfigFlag, options.JSON, http.MethodPatch, options.path(""), &change)
}

// runOrdersLift lifts names, or the whole order.
func runOrdersLift(ctx context.Context, env *environment, options OrderLiftOptions) error {
	var decision *orders.Decision
	if options.DecisionBy != "" {
		decision = &orders.Decision{Authority: blocklists.Authority{Name: options.DecisionBy}, Ref: options.DecisionRef}
	}
	if len(options.Name) == 0 {
		return changeOrder(ctx, env, options.ConfigFlag, options.JSON, http.MethodDelete, options.path(""), &orders.Ending{Why: options.Why, Decision: decision})
	}
	change := orders.Change{Why: options.Why, Decision: decision}
	for _, name := range options.Name {
		change.Lift = append(change.Lift, orders.Name{Name: name})
	}
	return changeOrder(ctx, env, options.ConfigFlag, options.JSON, http.MethodPatch, options.path(""), &change)
}

// runOrdersSuspend stops an order's effect.
func runOrdersSuspend(ctx context.Context, env *environment, options OrderSuspendOptions) error {
	pause := orders.Pause{Until: options.Until.UTC().Format(time.RFC3339), Reason: options.Reason}
	return changeOrder(ctx, env, options.ConfigFlag, options.JSON, http.MethodPost, options.path("/suspension"), &pause)
}

// runOrdersResume ends a suspension.
func runOrdersResume(ctx context.Context, env *environment, options OrderResumeOptions) error {
	return changeOrder(ctx, env, options.ConfigFlag, options.JSON, http.MethodDelete, options.path("/suspension"), nil)
}

// runOrdersRelease says one person's word for names that are held.
func runOrdersRelease(ctx context.Context, env *environment, options OrderReleaseOptions) error {
	return changeOrder(ctx, env, options.ConfigFlag, options.JSON, http.MethodPost, options.path("/releases"), &orders.Letting{Names: options.Name, Note: options.Note})
}

// runOrdersList prints all orders.
func runOrdersList(ctx context.Context, env *environment, options OrderListOptions) error {
	return withOrders(ctx, env, options.ConfigFlag, func(desk *desk) error { return desk.listOrders(ctx, env.stdout, options.JSON) })
}

// runOrdersShow prints one order.
func runOrdersShow(ctx context.Context, env *environment, options OrderShowOptions) error {
	return callDesk(ctx, env, options.ConfigFlag, options.JSON, http.MethodGet, options.path(""), nil, (*printedOrder).text)
}

// runOrdersReceipts prints what proves an order.
func runOrdersReceipts(ctx context.Context, env *environment, options ReceiptsOptions) error {
	return callDesk(ctx, env, options.ConfigFlag, options.JSON, http.MethodGet, options.path("/receipts"), nil, printedReceipts.text)
}
