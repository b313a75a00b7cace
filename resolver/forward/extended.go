package forward

import (
	"encoding/binary"
	"slices"
	"strings"
	"unicode"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Bounds on what is passed on of an upstream's explanation.
const (
	maxExtended = 3
	maxText     = resolver.TextBudget
)

// signs are the options that ask for structured errors: the one of the code, where there is any,
// and the older sign, an empty Extended DNS Error.
func signs(code uint16) []byte {
	var options []byte
	if code != 0 {
		options = binary.BigEndian.AppendUint16(options, code)
		options = append(options, 0, 0)
	}
	options = binary.BigEndian.AppendUint16(options, wire.OptionExtended)
	return append(options, 0, 2, 0, 0)
}

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
		extended = append(extended, attribute(server, given))
	}
	return extended
}

// attribute names who says it, so that nobody takes it for ours. What a structured error says in
// words is told to those who read none; it goes on as such where nobody can have changed it.
func attribute(server resolver.Server, given *dns.EDNS0_EDE) resolver.Extended {
	name := nameOf(server)
	made, said := resolver.Extended{Code: given.InfoCode, Text: "from " + name}, printable(given.ExtraText)
	if blocks(given.InfoCode) {
		made.Text = "blocked by " + name
		if read := readStructured(given); read != nil {
			said = printable(read.Justification)
			if server.Transport.Encrypted() {
				made.Structured, made.Brief = read.remade(given.InfoCode, name)
			}
		}
	}
	if said != "" {
		made.Text = printable(made.Text + ": " + said)
	}
	return made
}

// nameOf is what people know a server by.
func nameOf(server resolver.Server) string {
	if server.Name != "" {
		return server.Name
	}
	return server.Addr.String()
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
	return slices.ContainsFunc(extended, func(e resolver.Extended) bool { return blocks(e.Code) })
}

func blocks(code uint16) bool {
	return code == resolver.Blocked || code == resolver.Censored || code == resolver.Filtered
}
