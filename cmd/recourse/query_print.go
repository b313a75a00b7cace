package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/policy/reasoning"
)

// printText writes the reply for people. What a server sent is made safe first: a
// terminal obeys control characters, whoever they come from.
func (a *queryAnswer) printText(to io.Writer) error {
	var text strings.Builder
	question := a.message.Question[0]
	fmt.Fprintf(&text, "question  %s %s, asked %s, answered in %d ms\n", question.Name, dns.Type(question.Qtype), a.server, a.took.Milliseconds())
	fmt.Fprintf(&text, "status    %s\n", rcodeName(a.message))
	fmt.Fprintf(&text, "flags     %s\n", strings.Join(flagsOf(a.message), " "))
	for _, extended := range a.extended() {
		fmt.Fprintf(&text, "reason    %d %s", extended.Code, reasoning.ExtendedName(extended.Code))
		if extended.Text != "" {
			fmt.Fprintf(&text, ": %s", printable(extended.Text))
		}
		text.WriteByte('\n')
		readStructured(extended).print(&text)
	}
	for _, section := range a.sections() {
		for i, record := range section.records {
			if i == 0 {
				fmt.Fprintf(&text, "\n%s\n", section.name)
			}
			fmt.Fprintf(&text, "  %s\n", printable(record.String()))
		}
	}
	_, err := io.WriteString(to, text.String())
	return err
}

type querySection struct {
	name    string
	records []dns.RR
}

// sections are the parts that hold records; OPT is shown by its contents.
func (a *queryAnswer) sections() []querySection {
	var additional []dns.RR
	for _, record := range a.message.Extra {
		if record.Header().Rrtype != dns.TypeOPT {
			additional = append(additional, record)
		}
	}
	return []querySection{{"answer", a.message.Answer}, {"authority", a.message.Ns}, {"additional", additional}}
}

// queryJSON is the reply as programs read it.
type queryJSON struct {
	Server     string         `json:"server"`
	Name       string         `json:"name"`
	Type       string         `json:"type"`
	Status     string         `json:"status"`
	Flags      []string       `json:"flags"`
	Extended   []extendedJSON `json:"extended"`
	Answer     []recordJSON   `json:"answer"`
	Authority  []recordJSON   `json:"authority"`
	Additional []recordJSON   `json:"additional"`
	Millis     int64          `json:"milliseconds"`
}

type extendedJSON struct {
	Code uint16 `json:"code"`
	Name string `json:"name"`
	Text string `json:"text"`
	// Structured are the members of the text where it is a structured error.
	Structured *structuredText `json:"structured,omitempty"`
}

type recordJSON struct {
	Name string `json:"name"`
	TTL  uint32 `json:"ttl"`
	Type string `json:"type"`
	Data string `json:"data"`
}

func (a *queryAnswer) printJSON(to io.Writer) error {
	question, sections := a.message.Question[0], a.sections()
	encoder := json.NewEncoder(to)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(queryJSON{
		Server: a.server.String(), Name: question.Name, Type: dns.Type(question.Qtype).String(),
		Status: rcodeName(a.message), Flags: flagsOf(a.message), Extended: a.extendedJSON(),
		Answer: recordsJSON(sections[0].records), Authority: recordsJSON(sections[1].records), Additional: recordsJSON(sections[2].records),
		Millis: a.took.Milliseconds(),
	})
}

func (a *queryAnswer) extendedJSON() []extendedJSON {
	list := []extendedJSON{}
	for _, extended := range a.extended() {
		list = append(list, extendedJSON{Code: extended.Code, Name: reasoning.ExtendedName(extended.Code), Text: extended.Text, Structured: readStructured(extended)})
	}
	return list
}

func recordsJSON(records []dns.RR) []recordJSON {
	list := []recordJSON{}
	for _, record := range records {
		header := record.Header()
		list = append(list, recordJSON{Name: header.Name, TTL: header.Ttl, Type: dns.Type(header.Rrtype).String(), Data: strings.TrimPrefix(record.String(), header.String())})
	}
	return list
}

func rcodeName(message *dns.Msg) string {
	if name, known := dns.RcodeToString[message.Rcode]; known {
		return name
	}
	return fmt.Sprintf("RCODE%d", message.Rcode)
}

func flagsOf(message *dns.Msg) []string {
	flags := []string{}
	for _, flag := range []struct {
		name string
		set  bool
	}{
		{"qr", message.Response}, {"aa", message.Authoritative}, {"tc", message.Truncated}, {"rd", message.RecursionDesired},
		{"ra", message.RecursionAvailable}, {"ad", message.AuthenticatedData}, {"cd", message.CheckingDisabled},
	} {
		if flag.set {
			flags = append(flags, flag.name)
		}
	}
	return flags
}

// printable replaces what a terminal would obey, and what is no UTF-8.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
