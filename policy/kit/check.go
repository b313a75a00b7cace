package kit

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// longest is the text of an Extended DNS Error for people, in octets, and keep for how long a block may
// be kept, in seconds.
const (
	longest = 200
	keep    = 60
)

// Check says what is wrong with a reply to the case's query; nothing where all is well.
func (c *Case) Check(level Level, reply *dns.Msg) []string {
	var wrong []string
	add := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if !reply.Response || len(reply.Question) != 1 || reply.Question[0].Name != c.Name || reply.Question[0].Qtype != c.Type {
		add("is no reply to the question")
	}
	if reply.Rcode != c.RCode {
		add("%s instead of %s", dns.RcodeToString[reply.Rcode], dns.RcodeToString[c.RCode])
	}
	if got := c.data(reply); !c.fits(got) {
		add("the records of the type are %q instead of %s", got, c.Answer)
	}
	if level >= EDE {
		c.checkError(reply, add)
	}
	return wrong
}

// data is what the records of the asked type say.
func (c *Case) data(reply *dns.Msg) []string {
	var found []string
	for _, record := range reply.Answer {
		if header := record.Header(); header.Rrtype == c.Type || c.Type == dns.TypeANY && header.Rrtype != dns.TypeCNAME {
			found = append(found, strings.TrimPrefix(record.String(), header.String()))
		}
	}
	return found
}

func (c *Case) fits(found []string) bool {
	switch c.Answer {
	case "real":
		return len(found) > 0
	case "none":
		return len(found) == 0
	}
	return len(found) == 1 && found[0] == c.Answer
}

// checkError looks at Extended DNS Error, flags and the time for which a block may be kept.
func (c *Case) checkError(reply *dns.Msg, add func(string, ...any)) {
	code, text := withheld(reply)
	if c.NoEDNS {
		if reply.IsEdns0() != nil {
			add("has EDNS, and the query had none")
		}
	} else if code != c.EDE {
		add("Extended DNS Error %d instead of %d", code, c.EDE)
	}
	if len(text) > longest && !strings.HasPrefix(text, "{") {
		add("a text of %d octets", len(text))
	}
	if profile := c.Client.Profile; profile != "" && strings.Contains(text, profile) {
		add("the text tells the profile: %q", text)
	}
	if c.EDE == 0 {
		return
	}
	if reply.Authoritative || reply.AuthenticatedData || !reply.RecursionAvailable {
		add("AA %v, AD %v, RA %v instead of false, false, true", reply.Authoritative, reply.AuthenticatedData, reply.RecursionAvailable)
	}
	c.checkKeeping(reply, add)
}

func (c *Case) checkKeeping(reply *dns.Msg, add func(string, ...any)) {
	negative := c.Answer == "none" && c.RCode != dns.RcodeRefused
	starts := 0
	for _, record := range reply.Ns {
		if soa, is := record.(*dns.SOA); is {
			starts++
			if soa.Hdr.Ttl > keep || soa.Minttl > keep {
				add("an SOA record that keeps the block for %d s", max(soa.Hdr.Ttl, soa.Minttl))
			}
		}
		if record.Header().Rrtype == dns.TypeRRSIG {
			add("a signature")
		}
	}
	if negative && starts != 1 {
		add("%d SOA records instead of one", starts)
	}
}

// withheld is the Extended DNS Error that says why an answer is withheld; 0 where none does.
func withheld(reply *dns.Msg) (code uint16, text string) {
	opt := reply.IsEdns0()
	if opt == nil {
		return 0, ""
	}
	for _, option := range opt.Option {
		if one, is := option.(*dns.EDNS0_EDE); is && one.InfoCode >= dns.ExtendedErrorCodeBlocked && one.InfoCode <= dns.ExtendedErrorCodeProhibited {
			return one.InfoCode, one.ExtraText
		}
	}
	return 0, ""
}
