package main

import (
	"bytes"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// TestReadmeCommands: every command that README names is there and shows an example.
func TestReadmeCommands(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile("(?m)^\\| `recourse [^|]*").FindAllString(string(text), -1)
	if len(lines) < 8 {
		t.Fatalf("README's table has %d commands", len(lines))
	}
	for _, line := range lines {
		words := regexp.MustCompile("`([a-z]+)[^`]*`").FindAllStringSubmatch(strings.Replace(line, "recourse ", "", 1), -1)
		first := words[0][1]
		commands := [][]string{{first}}
		if slices.Contains([]string{"lists", "cases", "cache", "trust", "clients", "alarms", "notices", "audit", "accounts", "fleet", "orders"}, first) {
			commands = [][]string{{first, strings.Fields(strings.Trim(strings.Replace(line, "| `recourse ", "", 1), "`| "))[1]}}
			for _, word := range words[1:] {
				if word[1] == "recourse" {
					continue // what lists all of them
				}
				commands = append(commands, []string{first, word[1]})
			}
		}
		for _, command := range commands {
			for i := range command {
				command[i] = strings.Trim(command[i], "`,")
			}
			var output bytes.Buffer
			status := run(t.Context(), append(command, "--help"), &environment{stdin: strings.NewReader(""), stdout: &output, stderr: &output})
			if status != statusDone || !strings.Contains(output.String(), "Example:") {
				t.Errorf("recourse %s --help: %d\n%s", strings.Join(command, " "), status, &output)
			}
		}
	}
}

// TestQuickStartServes runs the built-in configuration, on ports that are free.
func TestQuickStartServes(t *testing.T) {
	config, err := QuickStart(true)
	if err != nil {
		t.Fatal(err)
	}
	anywhere := netip.MustParseAddrPort("127.0.0.1:0")
	for _, listeners := range []*[]netip.AddrPort{&config.Listen.Do53, &config.Listen.DoT, &config.Listen.DoH, &config.Listen.DoQ, &config.Listen.Web} {
		*listeners = []netip.AddrPort{anywhere}
	}
	config.State = t.TempDir()
	n, err := startNode(t.Context(), config, true, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var welcome strings.Builder
	if err := n.welcome(t.Context(), &welcome); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"DNS ", "TLS      self-signed for localhost; kdig +tls-pin=", "web ", "state ", "www.signed.example", "blocked-by-law.example", "/r/", "nsupdate", "There is no account yet", "/claim\n"} {
		if !strings.Contains(welcome.String(), want) {
			t.Errorf("the welcome lacks %q:\n%s", want, welcome.String())
		}
	}
	s := &server{t: t, dns: n.do53[0].String(), web: "http://" + n.web[0].String(), stderr: new(lockedBuffer)}
	for name, code := range map[string]uint16{"blocked-by-law.example": 16, "phish.example": 15, "www.casino.example": 17} {
		errors := extended(s.ask("127.0.0.1", name, dns.TypeA))
		if len(errors) != 1 || errors[0].InfoCode != code {
			t.Errorf("%s: %v", name, errors)
			continue
		}
		path := errors[0].ExtraText[strings.LastIndex(errors[0].ExtraText, "/r/"):]
		if status, page := s.page(s.web + path); status != 200 || !strings.Contains(page, strings.TrimPrefix(name, "www.")) {
			t.Errorf("the page of %s: %d\n%s", name, status, page)
		}
	}
	if reply := s.ask("127.0.0.1", "www.signed.example", dns.TypeA); reply.Rcode != dns.RcodeSuccess || !reply.AuthenticatedData {
		t.Errorf("a signed name: %v", reply)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}
