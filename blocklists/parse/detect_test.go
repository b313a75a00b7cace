package parse_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/blocklists/parse"
)

func TestDetect(t *testing.T) {
	for want, texts := range map[string][]string{
		"hosts":    {"# c\n127.0.0.1 localhost\n0.0.0.0 a.example\n"},
		"domains":  {"# c\n\na.example\nb.example # why\n", "192.0.2.1\n192.0.2.2\na.example\n"},
		"wildcard": {"*.a.example\nb.example\nc.example\n"},
		"adblock":  {"[Adblock Plus 2.0]\n! x\n||a.example^\n", "||a.example^\n@@||b.example^\n", "! c\na.example##.x\n"},
		"dnsmasq":  {"# c\naddress=/a.example/#\n", "server=/a.example/\nlocal=/b.example/\n"},
		"unbound":  {"server:\n  local-zone: \"a.example\" static\n", "local-data: \"a.example A 0.0.0.0\"\n"},
		"rpz":      {"$TTL 60\n@ SOA . . 1 2 3 4 5\n NS .\na.example CNAME .\n", "; c\na.example 60 IN CNAME rpz-drop.\n"},
		"xml":      {"<?xml version=\"1.0\"?>\n<Rejestr xmlns=\"x\">"},
		"json":     {"[\n{\"DomainAddress\":", "[{\"DomainAddress\":\"a\"}]", "{\n\"list\": [", "{\"list\":[]}"},
		"jsonl":    {"{\"name\": \"a.example\"}\n{\"name\": \"b.example\"}\n", "{\"prefix\":\"192.0.2.0/24\"}"},
		"": {"", "\n# c\n", "<html>", "some words\nand more\n", "a;b\nc;d\n", "*://*.a.example/*\n", "https://a.example/x\n", "a.example/x\n",
			"(^|\\.)a.*\\.example$\n", "example.\t1\tIN\tNS\tns.example.\nexample.\t1\tIN\tDS\t1 2 3 4\n"},
	} {
		for _, text := range texts {
			if got := parse.Detect([]byte(text)); got != want {
				t.Errorf("%q: %q, want %q", text, got, want)
			}
		}
	}
}

func TestAutoIsToldInTheReport(t *testing.T) {
	for _, format := range []string{"", "auto"} {
		rows, report := readAll(t, parse.Options{Format: format}, "||a.example^\n")
		wantRows(t, rows, "1 subtree a.example")
		if report.Format != "adblock" {
			t.Errorf("format %q", report.Format)
		}
	}
}

func TestAutoOfADamagedListNamesTheDamage(t *testing.T) {
	cut := gzipped(t, packedText)
	if _, err := parse.List(parse.Options{}, bytes.NewReader(cut[:len(cut)-9]), nil); !errors.Is(err, parse.ErrDamaged) {
		t.Errorf("error %v", err)
	}
}

func TestAutoThatCannotTell(t *testing.T) {
	for text, cause := range map[string]error{"": parse.ErrEmpty, "# x\n": parse.ErrFormat, "<html>\n": parse.ErrMarkup, "a;b\nc;d\n": parse.ErrFormat} {
		if _, err := parse.List(parse.Options{}, strings.NewReader(text), nil); !errors.Is(err, cause) {
			t.Errorf("%q: error %v, want %v", text, err, cause)
		}
	}
}

func TestAnotherFormatThanNamedIsHinted(t *testing.T) {
	for named, test := range map[string]struct{ line, looks string }{
		"hosts": {"a.example\n", "domains"}, "domains": {"0.0.0.0 a.example\n", "hosts"}, "adblock": {"a.example\n", "domains"}, "dnsmasq": {"||a.example^\n", "adblock"},
		"unbound": {"address=/a.example/#\n", "dnsmasq"}, "rpz": {"local-zone: \"a.example\" static\n", "unbound"}, "wildcard": {"a.example CNAME .\n", "rpz"}, "jsonl": {"*.a.example\n", "wildcard"},
	} {
		_, err := parse.List(parse.Options{Format: named}, strings.NewReader(strings.Repeat(test.line, 30)), func(parse.Row) error { return nil })
		if !errors.Is(err, parse.ErrFormat) || !strings.Contains(err.Error(), "it looks like format "+test.looks) || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("%s: error %v", named, err)
		}
	}
}
