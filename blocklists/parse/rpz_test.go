package parse_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/blocklists/parse"
)

const zoneHead = "$TTL 60\n@ SOA localhost. root.localhost. 1 2 3 4 5\n NS localhost.\n"

func TestPolicyZone(t *testing.T) {
	run(t, parse.Options{Format: "rpz"}, []formatTest{
		{"actions", zoneHead + "A.example CNAME .\n*.a.example IN CNAME .\nb.example 30 IN CNAME *.\nc.example CNAME rpz-passthru.\nd.example CNAME RPZ-DROP.\ne.example CNAME rpz-tcp-only.\nf.example CNAME f.example.\n*.f.example CNAME *.f.example.\n*.zip CNAME .\n",
			[]string{"4 exact a.example nxdomain", "5 below a.example nxdomain", "6 exact b.example nodata", "7 exact c.example passthru", "8 exact d.example drop", "9 exact e.example tcp-only",
				"10 exact f.example passthru", "11 below f.example passthru", "12 below zip nxdomain"}, nil},
		{"local data", zoneHead + "a.example A 192.0.2.80\n 300 AAAA 2001:db8::80\n MX 10 mail.a.example.\nb.example CNAME garden.example.\n*.b.example CNAME *.garden.example.\nc.example TXT (\"one\"\n  \"two; three\" ) ; comment\nd.example CNAME .\n",
			[]string{"4 exact a.example local-data 60 IN A 192.0.2.80", "5 exact a.example local-data 300 IN AAAA 2001:db8::80", "6 exact a.example local-data 60 IN MX 10 mail.a.example.",
				"7 exact b.example local-data 60 IN CNAME garden.example.", "8 below b.example local-data 60 IN CNAME *.garden.example.", `9 exact c.example local-data 60 IN TXT "one" "two; three"`, "11 exact d.example nxdomain"}, nil},
		{"addresses", zoneHead + "24.0.2.0.192.rpz-ip CNAME .\n32.1.2.0.192.rpz-client-ip CNAME rpz-drop.\n48.zz.1.db8.2001.rpz-ip CNAME .\n128.1.zz.db8.2001.rpz-nsip CNAME .\n128.8.7.6.5.4.3.2.1.rpz-ip CNAME .\n32.zz.db8.2001.rpz-client-ip A 192.0.2.80\n8.0.0.0.10.rpz-nsip CNAME rpz-passthru.\n128.1.zz.rpz-ip CNAME .\n",
			[]string{"4 address 192.0.2.0/24 nxdomain", "5 client 192.0.2.1/32 drop", "6 address 2001:db8:1::/48 nxdomain", "7 nameserver-address 2001:db8::1/128 nxdomain", "8 address 1:2:3:4:5:6:7:8/128 nxdomain",
				"9 client 2001:db8::/32 local-data 60 IN A 192.0.2.80", "10 nameserver-address 10.0.0.0/8 passthru", "11 address ::1/128 nxdomain"}, nil},
		{"name servers", zoneHead + "ns1.a.example.rpz-nsdname CNAME .\n*.b.example.rpz-nsdname CNAME *.\n",
			[]string{"4 nameserver exact ns1.a.example nxdomain", "5 nameserver below b.example nodata"}, nil},
		{"origins", "$ORIGIN rpz.example.\n$TTL 1h30m\n@ SOA . . 1 2 3 4 5\na.example CNAME .\n$ORIGIN b.rpz.example.\nc TXT x\n$ORIGIN d.rpz.example.\n A 192.0.2.1\ne.f.rpz.example. CNAME .\n",
			[]string{"4 exact a.example nxdomain", `6 exact c.b local-data 5400 IN TXT "x"`, "8 exact c.b local-data 5400 IN A 192.0.2.1", "9 exact e.f nxdomain"}, nil},
		{"the zone's own", zoneHead + "@ DNSKEY 257 3 13 AAAA\n@ TXT about\na.example CNAME .\na.example RRSIG CNAME 13 2 60 20300101000000 20200101000000 1 . AAAA\na.example NSEC b.example. CNAME RRSIG NSEC\n; end\n",
			[]string{"6 exact a.example nxdomain"}, nil},
		{"odd names", zoneHead + "a\\032b.example CNAME .\n1.example.123 CNAME .\n\"quoted.example\" CNAME .\n", []string{`4 exact a\032b.example nxdomain`, "5 exact 1.example.123 nxdomain"}, []string{"6 no record"}},
		{"every name", zoneHead + "* CNAME .\n*.rpz-nsdname CNAME *.\n", []string{"4 below . nxdomain", "5 nameserver below . nodata"}, nil},
		{"cyclic aliases are answers and nothing more", zoneHead + "a.example CNAME b.example.\nb.example CNAME a.example.\n",
			[]string{"4 exact a.example local-data 60 IN CNAME b.example.", "5 exact b.example local-data 60 IN CNAME a.example."}, nil},
	})
}

func TestPolicyZoneRefuses(t *testing.T) {
	for line, reason := range map[string]string{
		"rpz-nsdname CNAME .":         "no name before the trigger",
		"24.1.2.0.192.rpz-ip CNAME .": "bits set beyond", "33.1.2.0.192.rpz-ip CNAME .": "length of the prefix", "0.0.0.0.0.rpz-ip CNAME .": "length of the prefix", "024.0.2.0.192.rpz-ip CNAME .": "length of the prefix",
		"24.0.02.0.192.rpz-ip CNAME .": "not in the form", "24.0.2.192.rpz-ip CNAME .": "not in the form", "rpz-ip CNAME .": "no address before", "128.zz.1.zz.rpz-ip CNAME .": "not in the form", "32.00.zz.2001.rpz-ip CNAME .": "not in the form",
		"128.4.3.2.1.zz.ffff.zz.rpz-ip CNAME .": "not in the form", "128.1\\.2\\.3\\.4.zz.rpz-ip CNAME .": "not in the form", "128.201.0.ffff.zz.rpz-ip CNAME .": "not in the form",
		"a.example.rpz-future CNAME .": "a trigger that is not known", "a.example CNAME rpz-future.": "an action that is not known",
		"a.example DNAME b.example.": "DNAME is no local data", "a.example DS 1 13 2 00": "DS is no local data", "a.example DNSKEY 257 3 13 AAAA": "DNSKEY is no local data", "a.example NS b.example.": "NS is no local data",
		"a.example CH TXT x": "not of class IN", "a.*.example CNAME .": "a star that is not the first label", "caf\xc3\xa9.example CNAME .": "not ASCII",
		"$INCLUDE /etc/passwd": "is not followed", "$GENERATE 1-65535 $.example CNAME .": "is not followed", "$ORIGIN relative": "no directive", "$TTL soon": "no directive", "$TTL 99999999999": "no directive", "$TTL": "no directive",
		"a.example": "no record", "a.example CNAME": "not a domain name", "a.example A 192.0.2.300": "no record", "a..example CNAME .": "no record", ") CNAME .": "is not closed",
		"other.example A 1 2 3": "no record", strings.Repeat("a", 64) + ".example CNAME .": "no record", "a.example TYPE65280 \\# 3 abcdef": "",
	} {
		rows, report := readAll(t, parse.Options{Format: "rpz"}, zoneHead+"x.example CNAME .\n"+line+"\ny.example CNAME .\n")
		if reason == "" {
			if report.Refused != 0 || len(rows) != 3 {
				t.Errorf("%s: %q, %+v", line, rows, report)
			}
			continue
		}
		wantRows(t, rows, "4 exact x.example nxdomain", "6 exact y.example nxdomain")
		if report.Refused != 1 || report.Samples[0].Line != 5 || !strings.Contains(report.Samples[0].Reason, reason) {
			t.Errorf("%s: %+v, want %q in line 5", line, report.Samples, reason)
		}
	}
}

func TestPolicyZoneWithItsNameInTheManifest(t *testing.T) {
	options := parse.Options{Format: "rpz", Zone: "rpz.example"}
	rows, _ := readAll(t, options, "@ SOA . . 1 2 3 4 5\na.example CNAME .\nb.example.RPZ.Example. CNAME .\nc.example.rpz.example. CNAME c.example.\n*.d.rpz.example. CNAME .\n$ORIGIN e.rpz.example.\nf CNAME .\n")
	wantRows(t, rows, "2 exact a.example nxdomain", "3 exact b.example nxdomain", "4 exact c.example passthru", "5 below d nxdomain", "7 exact f.e nxdomain")
	_, report := readAll(t, options, "rpz.example. SOA . . 1 2 3 4 5\na.example CNAME .\nb.example. CNAME .\n")
	if report.Refused != 1 || !strings.Contains(report.Samples[0].Reason, "outside the zone rpz.example") {
		t.Errorf("report %+v", report)
	}
	if _, err := parse.List(parse.Options{Format: "rpz", Zone: "a..b"}, strings.NewReader(zoneHead), nil); err == nil || !strings.Contains(err.Error(), "source.zone") {
		t.Errorf("error %v", err)
	}
}

func TestMatchNarrowsAPolicyZone(t *testing.T) {
	text := zoneHead + "a.example CNAME .\n32.1.2.0.192.rpz-ip CNAME .\n32.1.2.0.192.rpz-client-ip CNAME .\nns.a.example.rpz-nsdname CNAME .\n32.1.2.0.192.rpz-nsip CNAME .\n"
	for match, want := range map[string][]string{
		"":           {"4 exact a.example nxdomain", "5 address 192.0.2.1/32 nxdomain", "6 client 192.0.2.1/32 nxdomain", "7 nameserver exact ns.a.example nxdomain", "8 nameserver-address 192.0.2.1/32 nxdomain"},
		"question":   {"4 exact a.example nxdomain"},
		"address":    {"5 address 192.0.2.1/32 nxdomain"},
		"client":     {"6 client 192.0.2.1/32 nxdomain"},
		"nameserver": {"7 nameserver exact ns.a.example nxdomain", "8 nameserver-address 192.0.2.1/32 nxdomain"},
	} {
		options := parse.Options{Format: "rpz"}
		if match != "" {
			options.Match = []string{match}
		}
		rows, report := readAll(t, options, text)
		wantRows(t, rows, want...)
		if report.Refused != 5-len(want) {
			t.Errorf("%q: %+v", match, report)
		}
	}
}

func TestARecordThatNeverEndsIsRefusedAndTheZoneHolds(t *testing.T) {
	for name, open := range map[string]string{
		"lines":  "b.example TXT (" + strings.Repeat("x\n", 100),
		"octets": "b.example TXT (" + strings.Repeat(strings.Repeat("x", 60_000)+"\n", 2),
		"line":   "b.example TXT " + strings.Repeat("x", 70_000) + "\n",
	} {
		rows, report := readAll(t, parse.Options{Format: "rpz"}, zoneHead+"a.example CNAME .\n"+open+"c.example CNAME .\n")
		if len(rows) != 2 || report.Refused != 1 || report.Samples[0].Line != 5 {
			t.Errorf("%s: %q, %+v", name, rows, report)
		}
	}
	rows, report := readAll(t, parse.Options{Format: "rpz"}, zoneHead+"a.example CNAME .\nb.example TXT \"open\nx\n")
	if len(rows) != 1 || report.Refused != 1 || !strings.Contains(report.Samples[0].Reason, "the end of the zone") {
		t.Errorf("at the end: %q, %+v", rows, report)
	}
}

func TestWhatIsNoPolicyZoneIsRefusedWhole(t *testing.T) {
	for name, text := range map[string]string{
		"hosts":         strings.Repeat("0.0.0.0 a.example\n", 20),
		"adblock":       strings.Repeat("||a.example^\n", 20),
		"ordinary zone": zoneHead + strings.Repeat("a NS ns.b.example.\n", 20),
	} {
		_, err := parse.List(parse.Options{Format: "rpz"}, strings.NewReader(text), func(parse.Row) error { return nil })
		if !errors.Is(err, parse.ErrFormat) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
