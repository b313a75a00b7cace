package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/policy/reasoning"
)

// maxShown is how many servers of a referral are named on a line.
const maxShown = 4

// print writes one step for people, further in the deeper it lies.
func (t traceStep) print(to io.Writer) {
	var text strings.Builder
	indent := strings.Repeat("  ", t.Depth)
	switch t.Kind {
	case "question":
		fmt.Fprintf(&text, "%s? %s %s\n", indent, t.Name, t.Type)
	case "answer":
		t.printEnd(&text, indent)
	default:
		t.printExchange(&text, indent)
	}
	_, _ = io.WriteString(to, safeLines(text.String())) // the last line tells whether printing works
}

func (t traceStep) printEnd(text *strings.Builder, indent string) {
	outcome := fmt.Sprintf("%s, %d answer, %d authority", t.Status, t.Answer, t.Authority)
	switch {
	case t.Error != "":
		outcome = "failed: " + t.Error
	case t.Status == "":
		outcome = "answered here"
	}
	fmt.Fprintf(text, "%s= %s %s: %s (%.1f ms)\n", indent, t.Name, t.Type, outcome, t.Millis)
	for _, line := range t.Proof {
		fmt.Fprintf(text, "%s    %s\n", indent, line)
	}
}

func (t traceStep) printExchange(text *strings.Builder, indent string) {
	fmt.Fprintf(text, "%s%s  %s %s  %.1f ms  ", indent, t.Server, t.Name, t.Type, t.Millis)
	switch {
	case t.Error != "":
		fmt.Fprintf(text, "no reply: %s", t.Error)
	default:
		fmt.Fprintf(text, "%s [%s] %d+%d+%d, %d octets", t.Status, strings.Join(t.Flags, " "), t.Answer, t.Authority, t.Additional, t.Octets)
	}
	if t.Ignored > 0 {
		fmt.Fprintf(text, ", %d packets ignored", t.Ignored)
	}
	text.WriteByte('\n')
	if cut := t.Referral; cut != nil {
		shown := cut.Servers[:min(len(cut.Servers), maxShown)]
		more := ""
		if left := len(cut.Servers) - len(shown); left > 0 {
			more = fmt.Sprintf(" and %d more", left)
		}
		fmt.Fprintf(text, "%s  -> %s at %s%s, %d addresses, DS %s\n", indent, cut.Zone, strings.Join(shown, ", "), more, cut.Glue, cut.DS)
	}
}

// safeLines is printable for text that has lines.
func safeLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = printable(line)
	}
	return strings.Join(lines, "\n")
}

func (o *traceOutcome) printText(to io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "\nverdict   %s\n", verdictWords[o.verdict()])
	if o.message != nil {
		fmt.Fprintf(&text, "status    %s\n", rcodeName(o.message))
	} else {
		fmt.Fprintf(&text, "status    SERVFAIL: %s\n", o.failure)
	}
	for _, extended := range o.extended {
		fmt.Fprintf(&text, "reason    %d %s: %s\n", extended.Code, reasoning.ExtendedName(extended.Code), extended.Text)
	}
	fmt.Fprintf(&text, "work      %d round trips, %.1f ms\n", o.queries, milliseconds(o.took))
	text.WriteString("policy    not asked; see recourse explain\n")
	if o.message != nil {
		for _, section := range (&queryAnswer{message: o.message}).sections() {
			for i, record := range section.records {
				if i == 0 {
					fmt.Fprintf(&text, "\n%s\n", section.name)
				}
				fmt.Fprintf(&text, "  %s\n", record)
			}
		}
	}
	_, err := io.WriteString(to, safeLines(text.String()))
	return err
}

var verdictWords = map[string]string{
	"secure":    "secure: every part is signed, up to a trust anchor",
	"insecure":  "insecure: no chain of signatures leads to all of it",
	"bogus":     "bogus: it should be proved and is not",
	"failed":    "failed: no answer could be had",
	"local":     "local: answered here, nobody was asked",
	"unchecked": "unchecked: validation is off",
}

// traceJSON is the trace as programs read it.
type traceJSON struct {
	Name      string         `json:"name"`
	Type      string         `json:"type"`
	Verdict   string         `json:"verdict"`
	Status    string         `json:"status"`
	Error     string         `json:"error,omitempty"`
	Extended  []extendedJSON `json:"extended"`
	Queries   int            `json:"queries"`
	Millis    float64        `json:"milliseconds"`
	Answer    []recordJSON   `json:"answer"`
	Authority []recordJSON   `json:"authority"`
	Steps     []traceStep    `json:"steps"`
}

func (o *traceOutcome) printJSON(to io.Writer, steps *traceSteps) error {
	document := traceJSON{
		Name: o.question.Name.FQDN(), Type: dns.Type(o.question.Type).String(), Verdict: o.verdict(), Status: "SERVFAIL",
		Extended: []extendedJSON{}, Queries: o.queries, Millis: milliseconds(o.took),
		Answer: []recordJSON{}, Authority: []recordJSON{}, Steps: steps.steps,
	}
	for _, extended := range o.extended {
		document.Extended = append(document.Extended, extendedJSON{Code: extended.Code, Name: reasoning.ExtendedName(extended.Code), Text: extended.Text})
	}
	if o.message != nil {
		document.Status, document.Answer, document.Authority = rcodeName(o.message), recordsJSON(o.message.Answer), recordsJSON(o.message.Ns)
	} else {
		document.Error = o.failure.Error()
	}
	encoder := json.NewEncoder(to)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(document)
}
