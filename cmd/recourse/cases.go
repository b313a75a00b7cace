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
	"path/filepath"
	"strings"
	"time"
)

// desk is the API of this machine's desk, whether a server runs or not.
type desk struct {
	client *http.Client
	token  string // of a party, in whose name something is entered
	close  func() error
}

// openDesk talks to the server that holds the state. Where none does, it takes the
// state and starts a desk of its own, without doors, for this one command.
func openDesk(ctx context.Context, env *environment, flag ConfigFlag) (*desk, error) {
	return openNode(ctx, env, flag, &node{})
}

// openNode finds the running server or, where none runs, starts a node of its own without doors.
func openNode(ctx context.Context, env *environment, flag ConfigFlag, own *node) (*desk, error) {
	config, err := env.config(flag, false)
	if err != nil {
		return nil, err
	}
	socket := filepath.Join(config.StateDir(), controlFile)
	alone := *config
	alone.Listen = Listen{}
	own.config, own.logger = &alone, env.logger()
	_, err = own.startDesk(ctx, nil, newMetrics())
	if err != nil {
		err = errors.Join(err, own.Close())
	}
	switch {
	case errors.Is(err, errHeld):
		return &desk{client: dialControl(socket), close: func() error { return nil }}, nil
	case err != nil:
		return nil, err
	}
	return &desk{client: dialControl(socket), close: own.Close}, nil
}

// maxReply bounds what is read of a reply.
const maxReply = 16 << 20

// call asks the API; a problem it answers with becomes an error in its words.
func (d *desk) call(ctx context.Context, method, path string, body, into any) error {
	return d.callAt(ctx, method, "/api/v1"+path, body, into)
}

// callAt is call for what is on the control socket alone too.
func (d *desk) callAt(ctx context.Context, method, path string, body, into any) error {
	var octets []byte
	if body != nil {
		var err error
		if octets, err = json.Marshal(body); err != nil {
			return err
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://desk"+path, bytes.NewReader(octets))
	if err != nil {
		return err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if d.token != "" {
		request.Header.Set("Authorization", "Bearer "+d.token)
	}
	reply, err := d.client.Do(request)
	if err != nil {
		return fmt.Errorf("the desk cannot be reached: %w", err)
	}
	defer reply.Body.Close()
	octets, err = io.ReadAll(io.LimitReader(reply.Body, maxReply))
	if err != nil {
		return fmt.Errorf("the desk's reply: %w", err)
	}
	if reply.StatusCode >= 300 {
		return problemOf(reply.StatusCode, octets)
	}
	return json.Unmarshal(octets, into)
}

// problemOf puts an RFC 9457 problem into one line.
func problemOf(status int, octets []byte) error {
	var problem struct {
		Title  string `json:"title"`
		Detail string `json:"detail"`
		Errors []struct {
			Field  string `json:"field"`
			Detail string `json:"detail"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(octets, &problem); err != nil || problem.Title == "" {
		return fmt.Errorf("the desk answered with status %d", status)
	}
	parts := []string{problem.Title}
	if problem.Detail != "" {
		parts = append(parts, problem.Detail)
	}
	for _, one := range problem.Errors {
		parts = append(parts, one.Field+" "+one.Detail)
	}
	return errors.New(strings.Join(parts, ": "))
}

// shownCase is what the commands print of a case.
type shownCase struct {
	ID         string  `json:"id"`
	State      string  `json:"state"`
	Name       string  `json:"name"`
	Purpose    *string `json:"purpose"`
	List       *string `json:"list"`
	ReasonCode *string `json:"reason_code"`
	Role       string  `json:"role"`
	Verified   bool    `json:"verified"`

	Implementation shownTrack  `json:"implementation"`
	Merits         shownTrack  `json:"merits"`
	Due            *time.Time  `json:"due"`
	Filed          time.Time   `json:"filed"`
	Explanation    string      `json:"explanation"`
	Contact        string      `json:"contact"`
	Events         []shownItem `json:"events"`
}

type shownTrack struct {
	State    string     `json:"state"`
	Deadline *time.Time `json:"deadline"`
}

type shownItem struct {
	At     time.Time `json:"at"`
	Kind   string    `json:"kind"`
	Actor  string    `json:"actor"`
	Facts  string    `json:"facts"`
	Ground string    `json:"ground"`
}

// runCasesList prints all open cases, those whose time runs out first.
func runCasesList(ctx context.Context, env *environment, options CasesOptions) error {
	desk, err := openDesk(ctx, env, options.ConfigFlag)
	if err != nil {
		return err
	}
	return errors.Join(desk.list(ctx, env.stdout, options.JSON), desk.close())
}

func (d *desk) list(ctx context.Context, to io.Writer, asJSON bool) error {
	all, after := []json.RawMessage{}, ""
	for {
		var page struct {
			Cases []json.RawMessage `json:"cases"`
			Next  string            `json:"next"`
		}
		if err := d.call(ctx, http.MethodGet, "/cases?limit=100&after="+url.QueryEscape(after), nil, &page); err != nil {
			return err
		}
		all = append(all, page.Cases...)
		if after = page.Next; after == "" {
			break
		}
	}
	if asJSON {
		return printJSON(to, all)
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(to, "no case waits for a decision")
		return err
	}
	var text strings.Builder
	for _, one := range all {
		var shown shownCase
		if err := json.Unmarshal(one, &shown); err != nil {
			return err
		}
		fmt.Fprintf(&text, "%s  %-10s  due %s  %-8s  %s  %s\n", shown.ID, shown.State, when(shown.Due), orDash(shown.Purpose), orDash(shown.List), shown.Name)
	}
	_, err := io.WriteString(to, text.String())
	return err
}

// runCasesShow prints one case with its events.
func runCasesShow(ctx context.Context, env *environment, options CaseOptions) error {
	desk, err := openDesk(ctx, env, options.ConfigFlag)
	if err != nil {
		return err
	}
	return errors.Join(desk.show(ctx, env.stdout, options.ID, options.JSON), desk.close())
}

func (d *desk) show(ctx context.Context, to io.Writer, id string, asJSON bool) error {
	var raw json.RawMessage
	if err := d.call(ctx, http.MethodGet, "/cases/"+url.PathEscape(id), nil, &raw); err != nil {
		return err
	}
	if asJSON {
		return printJSON(to, raw)
	}
	var shown shownCase
	if err := json.Unmarshal(raw, &shown); err != nil {
		return err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s: %s, %s\n", shown.ID, shown.Name, shown.State)
	fmt.Fprintf(&text, "  purpose %s, list %s, reason code %s\n", orDash(shown.Purpose), orDash(shown.List), orDash(shown.ReasonCode))
	fmt.Fprintf(&text, "  filed %s by %s, control of the name proved: %t\n", shown.Filed.Format(time.RFC3339), shown.Role, shown.Verified)
	fmt.Fprintf(&text, "  implementation %s, due %s; merits %s, due %s\n", shown.Implementation.State, when(shown.Implementation.Deadline), shown.Merits.State, when(shown.Merits.Deadline))
	fmt.Fprintf(&text, "  explanation: %q\n", shown.Explanation)
	if shown.Contact != "" {
		fmt.Fprintf(&text, "  contact: %q\n", shown.Contact)
	}
	for _, event := range shown.Events {
		fmt.Fprintf(&text, "  %s  %s by %s", event.At.Format(time.RFC3339), event.Kind, event.Actor)
		if event.Facts != "" || event.Ground != "" {
			fmt.Fprintf(&text, ": %q, %q", event.Facts, event.Ground)
		}
		text.WriteByte('\n')
	}
	_, err := io.WriteString(to, text.String())
	return err
}

// runCasesDecide decides one question of a case.
func runCasesDecide(ctx context.Context, env *environment, options DecideOptions) error {
	desk, err := openDesk(ctx, env, options.ConfigFlag)
	if err != nil {
		return err
	}
	return errors.Join(desk.decide(ctx, env.stdout, options), desk.close())
}

func (d *desk) decide(ctx context.Context, to io.Writer, options DecideOptions) error {
	decision := map[string]any{"outcome": options.Outcome, "question": options.Question, "facts": options.Facts, "ground": options.Ground}
	options.into(decision)
	options.blame(decision)
	var raw json.RawMessage
	if err := d.call(ctx, http.MethodPost, casePath(options.ID, "decision", options.By), decision, &raw); err != nil {
		return err
	}
	return printRuling(to, options.ID, raw, options.JSON)
}

// printRuling prints what a decision came to.
func printRuling(to io.Writer, id string, raw json.RawMessage, asJSON bool) error {
	if asJSON {
		return printJSON(to, raw)
	}
	var ruling struct {
		State  string `json:"state"`
		Effect *struct {
			Generation uint64    `json:"generation"`
			At         time.Time `json:"at"`
		} `json:"effect"`
		StillBlockedBy []struct {
			List       string `json:"list"`
			Purpose    string `json:"purpose"`
			ReasonCode string `json:"reason_code"`
		} `json:"still_blocked_by"`
	}
	if err := json.Unmarshal(raw, &ruling); err != nil {
		return err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s: %s\n", id, ruling.State)
	if ruling.Effect != nil {
		fmt.Fprintf(&text, "in force since %s, generation %d\n", ruling.Effect.At.Format(time.RFC3339), ruling.Effect.Generation)
	}
	for _, still := range ruling.StillBlockedBy {
		fmt.Fprintf(&text, "still blocked by %s (%s), reason code %s\n", still.List, still.Purpose, still.ReasonCode)
	}
	_, err := io.WriteString(to, text.String())
	return err
}

func when(at *time.Time) string {
	if at == nil {
		return "-"
	}
	return at.Format(time.RFC3339)
}

func orDash(text *string) string {
	if text == nil {
		return "-"
	}
	return *text
}
