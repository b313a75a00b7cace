package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// lift has a case decided, and measures how long the name goes on being blocked.
func (m *measurement) lift(ctx context.Context) error {
	if err := m.with.rest(ctx); err != nil {
		return err
	}
	blocked := string(name(listSeed, 0, nil))
	web := &http.Client{Timeout: replyTime}
	var filed struct{ ID string }
	err := call(ctx, web, "http://"+m.with.web.String()+"/api/v1/cases", map[string]any{
		"name": blocked, "role": "reporter", "explanation": "The site is harmless.", "good_faith": true}, &filed)
	if err != nil {
		return err
	}
	socket := filepath.Join(filepath.Dir(m.with.config), "state", "control.sock")
	desk := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	began := time.Now()
	err = call(ctx, desk, "http://desk/api/v1/cases/"+filed.ID+"/decision", map[string]any{
		"outcome": "reverse", "facts": "The site is harmless.", "ground": "The entry is wrong."}, nil)
	if err != nil {
		return err
	}
	if err := awaitCode(ctx, m.with.dns, blocked, 0); err != nil {
		return err
	}
	m.table.add(row{what: "one name lifted by a decision, until it passes", measured: milliseconds(time.Since(began)), target: 100, unit: "ms"})
	return nil
}

// grow adds a name to the file of a list, and measures when it is blocked.
func (m *measurement) grow(ctx context.Context) error {
	const added = "added-alone.bench.example"
	began := time.Now()
	if err := appendLine(filepath.Join(m.dir, listFile(0)), added+"\n"); err != nil {
		return err
	}
	const nxdomain = 3
	if err := awaitCode(ctx, m.with.dns, added, nxdomain); err != nil {
		return err
	}
	m.table.add(row{what: "one name added to a list's file, until it is blocked", measured: milliseconds(time.Since(began)), unit: "ms",
		remark: "500 ms for the file to rest, and a compile of that list"})
	return nil
}

func call(ctx context.Context, client *http.Client, address string, body, into any) error {
	octets, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(octets))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	reply, err := client.Do(request)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	const most = 1 << 20
	if octets, err = io.ReadAll(io.LimitReader(reply.Body, most)); err != nil {
		return err
	}
	if reply.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("%s: %s: %s", address, reply.Status, octets)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(octets, into)
}

// rest waits until no child works for the server any more.
func (s *server) rest(ctx context.Context) error {
	for limit := time.Now().Add(startTime); time.Now().Before(limit); {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", s.pid()))
		if err != nil {
			return err
		}
		working := false
		for _, file := range files {
			if text, err := os.ReadFile(file); err == nil && strings.TrimSpace(string(text)) != "" {
				working = true
			}
		}
		if !working {
			return nil
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("a child of the server has not ended after %s", startTime)
}
