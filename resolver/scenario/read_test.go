package scenario_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/recourse-dns/recourse/resolver/scenario"
)

// small is a whole scenario in few lines; %s stands where tests put something.
const small = `CONFIG
	anchor: none ; nothing is signed
CONFIG_END
ZONE_BEGIN .
@ NS a.root.example.
a.root.example. A 198.51.100.1
www.example. A 192.0.2.10
ZONE_END
SCENARIO_BEGIN one zone
STEP 1 QUERY
ENTRY_BEGIN
REPLY RD
SECTION QUESTION
www.example. IN A
ENTRY_END
STEP 2 CHECK_ANSWER
ENTRY_BEGIN
MATCH all
REPLY QR RD RA NOERROR
SECTION QUESTION
www.example. IN A
SECTION ANSWER
www.example. IN A 192.0.2.10
ENTRY_END
SCENARIO_END
`

func TestReadKeepsWhatIsWritten(t *testing.T) {
	read, err := scenario.Read(strings.NewReader(small), "small.rpl")
	if err != nil {
		t.Fatal(err)
	}
	if read.Title != "one zone" || len(read.Zones) != 1 || len(read.Zones[0].Records) != 3 || len(read.Steps) != 2 {
		t.Errorf("read %+v", read)
	}
	if step := read.Steps[1]; step.ID != 2 || step.Kind != scenario.StepCheckAnswer || len(step.Entry.Answer) != 1 {
		t.Errorf("step 2 is %+v", step)
	}
}

// TestReadSaysWhereItFailed: each mistake is told with the line that it is on.
func TestReadSaysWhereItFailed(t *testing.T) {
	for _, test := range []struct{ name, old, with, want string }{
		{"unknown key", "anchor: none", "anker: none", `x.rpl:2: anker: no such key`},
		{"value of a switch", "anchor: none", "ipv6: maybe", `x.rpl:2: ipv6: "maybe" is neither yes nor no`},
		{"no key", "anchor: none", "none", `x.rpl:2: "none" is not "key: value"`},
		{"unknown zone word", "ZONE_BEGIN .", "ZONE_BEGIN . quantum", `x.rpl:4: ZONE_BEGIN .: "quantum" is no fault`},
		{"bad record", "A 192.0.2.10\nZONE", "A 192.0.2.999\nZONE", `x.rpl:7: record:`},
		{"record outside", "ZONE_BEGIN .\n", "ZONE_BEGIN test.\n", `lies outside of the zone`},
		{"include", "www.example. A 192.0.2.10", "$INCLUDE /etc/hosts", `x.rpl:7: "$INCLUDE" is not allowed here`},
		{"generate", "www.example. A 192.0.2.10", "$GENERATE 1-9 $ A 192.0.2.$", `x.rpl:7: "$GENERATE" is not allowed here`},
		{"unknown match", "MATCH all", "MATCH everything", `x.rpl:18: MATCH "everything" is not known`},
		{"unknown adjust", "MATCH all", "ADJUST everything", `x.rpl:18: ADJUST "everything" is not known`},
		{"unknown flag", "REPLY QR RD RA", "REPLY QR XX", `x.rpl:19: REPLY "XX" is neither flag nor code`},
		{"unknown keyword", "STEP 2 CHECK_ANSWER", "STOP", `x.rpl:16: "STOP" is no keyword`},
		{"unknown step", "CHECK_ANSWER", "CHECK_MATE", `x.rpl:16: STEP 2: "CHECK_MATE" is no kind of step`},
		{"order of steps", "STEP 2", "STEP 1", `x.rpl:16: step 1 does not come after step 1`},
		{"step without entry", "STEP 2 CHECK_ANSWER\n", "STEP 2 CHECK_ANSWER\nSTEP 3 CHECK_ANSWER\n", `x.rpl:16: step 2 CHECK_ANSWER without an entry`},
		{"two entries", "STEP 2 CHECK_ANSWER\n", "", `a second entry in step 1`},
		{"no end", "SCENARIO_END\n", "", `no SCENARIO_END`},
		{"after the end", "SCENARIO_END\n", "SCENARIO_END\nSTEP 9 QUERY\n", `after SCENARIO_END`},
		{"time without number", "STEP 2 CHECK_ANSWER\n", "STEP 2 TIME_PASSES ELAPSE soon\n", `x.rpl:16: ELAPSE "soon"`},
		{"range backwards", "STEP 1 QUERY\n", "RANGE_BEGIN 9 1\n", `x.rpl:10: RANGE_BEGIN "9" "1"`},
		{"odd hexadecimal", "SECTION ANSWER\n", "HEX_ANSWER_BEGIN\nabc\nHEX_ANSWER_END\n", `x.rpl:22: HEX_ANSWER_BEGIN: no octets`},
		{"section nobody knows", "SECTION ANSWER\n", "SECTION REMARKS\n", `neither keyword nor in a section`},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := strings.Replace(small, test.old, test.with, 1)
			if text == small {
				t.Fatal("nothing was replaced")
			}
			_, err := scenario.Read(strings.NewReader(text), "x.rpl")
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestReadIsBounded(t *testing.T) {
	for name, text := range map[string]string{
		"lines":   strings.Repeat("\n", 10_001),
		"line":    strings.Repeat("x", 5000),
		"ranges":  "SCENARIO_BEGIN\n" + strings.Repeat("RANGE_BEGIN 0 1\nRANGE_END\n", 2001),
		"packets": "SCENARIO_BEGIN\nSTEP 1 QUERY\nENTRY_BEGIN\n" + strings.Repeat("EXTRA_PACKET\n", 100),
		"anchors": "CONFIG\n" + strings.Repeat("anchor: .\n", 100),
	} {
		if _, err := scenario.Read(strings.NewReader(text), name); err == nil {
			t.Errorf("%s: no bound", name)
		}
	}
}

func play(t *testing.T, text string) error {
	t.Helper()
	read, err := scenario.Read(strings.NewReader(text), "x.rpl")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) { err = read.Play(t.Context()) })
	return err
}

// TestPlayNoticesWhatIsWrong: every kind of check can fail, and says what it saw.
func TestPlayNoticesWhatIsWrong(t *testing.T) {
	if err := play(t, small); err != nil {
		t.Fatal(err)
	}
	after := func(steps string) [2]string { return [2]string{"SCENARIO_END\n", steps + "SCENARIO_END\n"} }
	for _, test := range []struct {
		name   string
		change [2]string
		want   string
	}{
		{"data", [2]string{"IN A 192.0.2.10\nENTRY", "IN A 192.0.2.11\nENTRY"}, "answer: missing www.example. 0 in a 192.0.2.11; answer: unexpected"},
		{"code", [2]string{"RA NOERROR", "RA NXDOMAIN"}, "rcode NOERROR, want NXDOMAIN"},
		{"flag", [2]string{"QR RD RA NOERROR", "QR RD RA AD NOERROR"}, "flag AD is false"},
		{"ttl", [2]string{"MATCH all", "MATCH all ttl"}, ""},
		{"error", [2]string{"MATCH all", "MATCH all ede=6"}, "extended errors [], want 6"},
		{"any error", [2]string{"MATCH all", "MATCH all ede=any"}, "no extended error"},
		{"present type", [2]string{"MATCH all", "MATCH all has=RRSIG"}, "no RRSIG record"},
		{"absent type", [2]string{"MATCH all", "MATCH all lacks=A"}, "a A record"},
		{"missing query", after("STEP 3 CHECK_OUT_QUERY\nENTRY_BEGIN\nMATCH qname\nSECTION QUESTION\nftp.example. A\nENTRY_END\n"), "no such query went out"},
		{"unwanted query", after("STEP 3 CHECK_NO_OUT_QUERY\n"), "udp://198.51.100.1:53 was asked www.example. A"},
		{"count", after("STEP 3 CHECK_OUT_COUNT 2 9\n"), "1 queries went out"},
		{"total", after("STEP 3 CHECK_TOTAL_COUNT 0\n"), "1 queries went out"},
		{"nothing pending", after("STEP 3 TIMEOUT\n"), "no query is pending"},
		{"no answer", after("STEP 3 CHECK_ANSWER\nENTRY_BEGIN\nENTRY_END\n"), "no answer within"},
		{"an answer too many", [2]string{"STEP 2 CHECK_ANSWER", "STEP 2 CHECK_NO_ANSWER"}, "an answer:"},
		{"anchor without zone", [2]string{"anchor: none", "anchor: example."}, "no signed ZONE of that name"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := play(t, strings.Replace(small, test.change[0], test.change[1], 1))
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
