package kit

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/miekg/dns"
)

// Member is what a set wants of one member of a structured error.
type Member struct {
	Set  string
	Name string
	Want string // absent, any, a piece of the value (several are divided by |) or, behind an !, what is not in it
}

func (k *Kit) member(fields []string) error {
	k.Members = append(k.Members, Member{Set: fields[0], Name: fields[1], Want: fields[2]})
	return nil
}

// structured is the code of the option that asks for structured errors where no other was
// agreed: the first of those for local use (RFC 6891, section 9).
const structured = 65001

// Structured is the query as one who wants structured errors sends it: by the option of
// draft-ietf-dnsop-structured-dns-error under a code, or with an Extended DNS Error of
// its own, as drafts before said. Zero is the usual code.
func (c *Case) Structured(legacy bool, code uint16) *dns.Msg {
	message := c.Query()
	if code == 0 {
		code = structured
	}
	opt := message.IsEdns0()
	if legacy {
		opt.Option = append(opt.Option, &dns.EDNS0_EDE{})
	} else {
		opt.Option = append(opt.Option, &dns.EDNS0_LOCAL{Code: code})
	}
	return message
}

// CheckStructured says what is wrong with a reply to one who wants structured errors.
func (k *Kit) CheckStructured(c *Case, reply *dns.Msg) []string {
	wrong := c.Check(EDE, reply)
	if c.Members == "" {
		return wrong
	}
	_, text := withheld(reply)
	members := map[string]json.RawMessage{}
	if !utf8.ValidString(text) || json.Unmarshal([]byte(text), &members) != nil {
		return append(wrong, fmt.Sprintf("no I-JSON object: %q", text))
	}
	for _, member := range k.Members {
		if member.Set != c.Members {
			continue
		}
		if value, has := members[member.Name]; !member.fits(string(value), has) {
			wrong = append(wrong, fmt.Sprintf("member %s is %q and not %s", member.Name, value, member.Want))
		}
	}
	return wrong
}

func (m *Member) fits(value string, has bool) bool {
	switch m.Want {
	case "absent":
		return !has
	case "any":
		return has
	}
	if hidden, not := strings.CutPrefix(m.Want, "!"); not {
		return !strings.Contains(value, hidden)
	}
	for part := range strings.SplitSeq(m.Want, "|") {
		if has && strings.Contains(value, part) {
			return true
		}
	}
	return false
}
