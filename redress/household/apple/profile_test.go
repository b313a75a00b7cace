package apple_test

import (
	"encoding/xml"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/redress/household/apple"
)

// flat reads a property list as path and value, and fails on what is none.
func flat(t *testing.T, text []byte) map[string]string {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(string(text)))
	found := map[string]string{}
	var path []string
	key, value := "", ""
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatalf("no XML: %v\n%s", err, text)
		}
		switch token := token.(type) {
		case xml.StartElement:
			value = ""
			if name := token.Name.Local; name == "dict" || name == "array" {
				path, key = append(path, key), ""
			}
		case xml.CharData:
			value += string(token)
		case xml.EndElement:
			switch name := token.Name.Local; name {
			case "dict", "array":
				path = path[:len(path)-1]
			case "key":
				key = value
			case "string", "integer":
				found[strings.Trim(strings.Join(path, "/")+"/"+key, "/")] += value + ";"
			case "true", "false":
				found[strings.Trim(strings.Join(path, "/")+"/"+key, "/")] = name
			case "plist":
			default:
				t.Errorf("%q is in no property list of ours", name)
			}
		}
	}
}

func TestProfile(t *testing.T) {
	hostile := `Anna's "tablet" </string><key>x</key> & <b>` + "\u0001"
	made := apple.Profile(apple.Settings{ID: "5k0v9r2m", Title: hostile, Operator: "Home", Notice: "Names are looked up at home.", URL: "https://dns.example/dns-query/abc", Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}})
	found := flat(t, made)
	for path, want := range map[string]string{
		"PayloadType": "Configuration;", "PayloadVersion": "1;", "PayloadRemovalDisallowed": "false", "PayloadIdentifier": "recourse.dns.5k0v9r2m;",
		"PayloadContent//PayloadType": "com.apple.dnsSettings.managed;", "PayloadContent//DNSSettings/DNSProtocol": "HTTPS;",
		"PayloadContent//DNSSettings/ServerURL": "https://dns.example/dns-query/abc;", "PayloadContent//DNSSettings/ServerAddresses": "192.0.2.1;2001:db8::1;",
		"PayloadDisplayName": strings.ReplaceAll(hostile, "\u0001", "\uFFFD") + ";",
	} {
		if found[path] != want {
			t.Errorf("%s is %q, not %q\n%s", path, found[path], want, made)
		}
	}
	if found["PayloadUUID"] == found["PayloadContent//PayloadUUID"] || len(found["PayloadUUID"]) != 37 || found["x"] != "" {
		t.Errorf("UUIDs: %v", found)
	}
	again := apple.Profile(apple.Settings{ID: "5k0v9r2m", Title: "Other", URL: "https://dns.example/dns-query/abc"})
	if flat(t, again)["PayloadUUID"] != found["PayloadUUID"] {
		t.Error("made again it is another profile")
	}
	overTLS := flat(t, apple.Profile(apple.Settings{ID: "1", Name: "abc.dns.example"}))
	if overTLS["PayloadContent//DNSSettings/DNSProtocol"] != "TLS;" || overTLS["PayloadContent//DNSSettings/ServerName"] != "abc.dns.example;" {
		t.Errorf("over TLS: %v", overTLS)
	}
}
