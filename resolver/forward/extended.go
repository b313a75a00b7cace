package forward

import (
	"slices"
	"strings"
	"unicode"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
)

// Bounds on what is passed on of an upstream's explanation.
const (
	maxExtended = 3
	maxText     = resolver.TextBudget
)

// attributed are the upstream's Extended DNS Errors, each with its source in
// front of its text (RFC 8914, section 3).
func attributed(server resolver.Server, reply *dns.Msg) []resolver.Extended {
	options := reply.IsEdns0()
	if options == nil {
		return nil
	}
	var extended []resolver.Extended
	for _, option := range options.Option {
		given, ok := option.(*dns.EDNS0_EDE)
		if !ok || len(extended) == maxExtended {
			continue
		}
		text := "from " + server.Addr.String()
		if said := printable(given.ExtraText); said != "" {
			text += ": " + said
		}
		extended = append(extended, resolver.Extended{Code: given.InfoCode, Text: text})
	}
	return extended
}

// printable bounds a stranger's text and leaves out what is not UTF-8 or does
// not print; a final NUL is allowed on the wire (RFC 8914, section 2).
func printable(text string) string {
	var clean strings.Builder
	for _, char := range text {
		if char == unicode.ReplacementChar || !unicode.IsPrint(char) {
			continue
		}
		if clean.Len()+len(string(char)) > maxText {
			break
		}
		clean.WriteRune(char)
	}
	return clean.String()
}

// isBlock says whether the upstream withholds the name on purpose.
func isBlock(extended []resolver.Extended) bool {
	return slices.ContainsFunc(extended, func(e resolver.Extended) bool {
		return e.Code == resolver.Blocked || e.Code == resolver.Censored || e.Code == resolver.Filtered
	})
}
