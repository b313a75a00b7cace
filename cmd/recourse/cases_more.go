package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// casePath is the call for one thing of a case; by is which of the machine's people acts.
func casePath(id, what, by string) string {
	path := "/cases/" + url.PathEscape(id)
	if what != "" {
		path += "/" + what
	}
	if by != "" {
		path += "?by=" + url.QueryEscape(by)
	}
	return path
}

func (d *desk) raw(ctx context.Context, method, path string, body any) (json.RawMessage, error) {
	var raw json.RawMessage
	err := d.call(ctx, method, path, body, &raw)
	return raw, err
}

// done does something with a case and prints how it stands.
func (d *desk) done(ctx context.Context, to io.Writer, options *caseCommand, what string, request any) error {
	raw, err := d.raw(ctx, http.MethodPost, casePath(options.ID, what, options.By), request)
	if err != nil || options.JSON {
		return errors.Join(err, printNotEmpty(to, raw))
	}
	var stands struct{ ID, State string }
	if err := json.Unmarshal(raw, &stands); err != nil {
		return err
	}
	_, err = fmt.Fprintf(to, "%s: %s\n", stands.ID, stands.State)
	return err
}

func printNotEmpty(to io.Writer, raw json.RawMessage) error {
	if len(raw) == 0 {
		return nil
	}
	return printJSON(to, raw)
}

// runCasesRead prints a document about a case: as it is for programs, else a line a field.
func runCasesRead(ctx context.Context, env *environment, options CaseOptions, what string) error {
	return runRead(ctx, env, options.ConfigFlag, options.JSONFlag, casePath(options.ID, what, ""), printFields)
}

// runRead prints what the desk answers: as it is for programs, else for people.
func runRead(ctx context.Context, env *environment, config ConfigFlag, programs JSONFlag, path string, print func(to io.Writer, raw json.RawMessage) error) error {
	desk, err := openDesk(ctx, env, config)
	if err != nil {
		return err
	}
	raw, err := desk.raw(ctx, http.MethodGet, path, nil)
	switch {
	case err != nil:
	case programs.JSON:
		err = printJSON(env.stdout, raw)
	default:
		err = print(env.stdout, raw)
	}
	return errors.Join(err, desk.close())
}

// printFields prints a document's fields that say something, a line each, what is nested as JSON.
func printFields(to io.Writer, raw json.RawMessage) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return err
	}
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	var text strings.Builder
	for _, name := range names {
		value := string(fields[name])
		if slices.Contains([]string{`""`, "[]", "{}", "null", "false", "0"}, value) || name == "record" {
			continue
		}
		var plain string
		if json.Unmarshal(fields[name], &plain) == nil {
			value = fmt.Sprintf("%q", plain)
		}
		fmt.Fprintf(&text, "%-18s %s\n", name, value)
	}
	_, err := io.WriteString(to, text.String())
	return err
}
