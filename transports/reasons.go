package transports

import (
	"encoding/binary"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// reasons are the Extended DNS Errors of one reply in the form in which its client reads
// them. The zero value is none.
type reasons struct {
	extended   []resolver.Extended
	structured bool
	form       form
}

// form is how much of the text is there.
type form uint8

const (
	whole form = iota
	brief      // of structured text, without what goes first
	bare       // codes alone
)

// reasonsFor are none for a client without EDNS (RFC 8914, section 2).
func reasonsFor(query *resolver.Query, extended []resolver.Extended) reasons {
	if !query.EDNS.Present {
		return reasons{}
	}
	return reasons{extended: extended, structured: query.Structured}
}

// within gives the reasons in the longest form that the room is enough for; none where even the
// shortest is too long. A justification and who gives it go before the text does
// (draft-ietf-dnsop-structured-dns-error, section 5.2). False: more than these are missing.
func (r reasons) within(room int) (reasons, bool) {
	for r.form = whole; r.form <= bare; r.form++ {
		if r.size() <= room {
			return r, r.form < bare
		}
	}
	return reasons{}, false
}

// size is the room that they take.
func (r reasons) size() int {
	size := 0
	for i := range r.extended {
		if r.tells(i) {
			size += wire.OptionHeader + 2 + len(r.text(i))
		}
	}
	return size
}

// tells says whether a reason is for this client. Who reads structured errors is never told
// of a forged answer, for it gets what the answer stands for instead (section 5.2).
func (r reasons) tells(i int) bool {
	return !r.structured || r.extended[i].Code != resolver.ForgedAnswer
}

func (r reasons) text(i int) string {
	switch one := &r.extended[i]; {
	case r.form == bare:
		return ""
	case !r.structured || one.Structured == "":
		return one.Text
	case r.form == brief:
		return one.Brief
	default:
		return one.Structured
	}
}

func (r reasons) append(dst []byte) []byte {
	for i := range r.extended {
		if !r.tells(i) {
			continue
		}
		text := r.text(i)
		dst = appendOption(dst, wire.OptionExtended, 2+len(text))
		dst = binary.BigEndian.AppendUint16(dst, r.extended[i].Code)
		dst = append(dst, text...)
	}
	return dst
}
