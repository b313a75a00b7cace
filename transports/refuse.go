package transports

import (
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// What nobody should ask for twice says nothing in its OPT record but the reason, if there
// is one: such a reply is never longer than what it answers.

// refuse answers what could not be read as a query, or stays silent.
func (s *Service) refuse(query *resolver.Query, met *visitor, packet, dst []byte, limit int, err error) []byte {
	switch {
	case errors.Is(err, wire.ErrShort), errors.Is(err, wire.ErrResponse):
		return dst // a reply to a response makes two servers talk for ever
	case errors.Is(err, wire.ErrOpcode):
		return AppendError(dst, packet, query, wire.RcodeNotImplemented, nil, limit, &Options{})
	case errors.Is(err, wire.ErrVersion):
		return AppendError(dst, packet, query, wire.RcodeBadVersion, nil, limit, &Options{})
	case errors.Is(err, wire.ErrSigned) && !met.admitted:
		return s.turnAway(query, packet, dst, limit)
	case errors.Is(err, wire.ErrSigned):
		return appendBadKey(dst, packet, query, limit)
	case errors.Is(err, wire.ErrNothing) && met.admitted && met.options.HasCookie:
		return AppendError(dst, packet, query, cookieVerdict(query, met, packet), nil, limit, &met.options)
	}
	return AppendError(dst, packet, query, wire.RcodeFormat, nil, limit, &Options{})
}

// cookieVerdict says to a query for nothing but a cookie whether the one it brought is
// good (RFC 7873, section 5.4).
func cookieVerdict(query *resolver.Query, met *visitor, packet []byte) int {
	if len(query.EDNS.Cookie.Server(packet)) > 0 && !met.baked {
		return wire.RcodeBadCookie
	}
	return wire.RcodeSuccess
}

// turnAway refuses a client that is not admitted. Recursion is not available to it.
func (s *Service) turnAway(query *resolver.Query, packet, dst []byte, limit int) []byte {
	start := len(dst)
	dst = AppendError(dst, packet, query, wire.RcodeRefused, []resolver.Extended{{Code: resolver.Prohibited}}, limit, &Options{})
	dst[start+3] &^= byte(wire.FlagRA)
	return dst
}

// slow answers a client that asks too much. Who cannot have forged its address is told
// so. To others goes, now and then, what a forger has no use for and the owner of the
// address can act on: come by TCP, or with this cookie.
func (s *Service) slow(query *resolver.Query, met *visitor, packet, dst []byte, limit int) []byte {
	if met.Proven {
		return AppendError(dst, packet, query, wire.RcodeRefused, []resolver.Extended{{Code: resolver.Prohibited, Text: "too many queries of one client"}}, limit, &met.options)
	}
	return s.slip(query, met, packet, dst, limit)
}

// slip lets one in so many through, in place of its answer.
func (s *Service) slip(query *resolver.Query, met *visitor, packet, dst []byte, limit int) []byte {
	switch {
	case s.limits.Slip == 0 || rand.Uint32N(s.limits.Slip) != 0:
		return dst
	case met.options.HasCookie:
		options := &Options{Cookie: met.options.Cookie, HasCookie: true}
		return AppendError(dst, packet, query, wire.RcodeBadCookie, nil, limit, options)
	}
	return appendBare(dst, packet, query, wire.RcodeSuccess, wire.FlagTC, reasons{}, limit, &Options{})
}

// damp takes a reply back that is one too many of its kind, over UDP and to an address that
// may be forged. Its length before the reply was start.
func (s *Service) damp(query *resolver.Query, met *visitor, dst, packet []byte, start, limit int, outcome Outcome) ([]byte, Outcome) {
	if s.replies == nil || met.Proven || len(dst) == start || outcome == Limited || met.Addr.IsLoopback() {
		return dst, outcome
	}
	kind, counts := kindOf(dst[start:], &query.Question)
	if !counts || s.replies.Allow(met.Addr, met.Shared, kind, query.Now) {
		return dst, outcome
	}
	dst = dst[:start]
	if query.QuestionEnd > 0 { // else there is nothing that could be asked again
		dst = s.slip(query, met, packet, dst, limit)
	}
	return dst, Limited
}

// GiveUp appends SERVFAIL to a query that finds no place to wait in, for doors where the
// client would else wait in vain. The door has set what it sets for [Service.Answer].
func (s *Service) GiveUp(query *resolver.Query, packet, dst []byte, limit int) []byte {
	query.Now = time.Now()
	if query.Read(packet) != nil {
		return dst
	}
	met := s.meet(query, packet)
	why := []resolver.Extended{{Code: resolver.OtherError, Text: "too many queries wait for their answers"}}
	return AppendError(dst, packet, query, wire.RcodeServerFailure, why, limit, &met.options)
}

// fail answers SERVFAIL with the reasons that the failure carries.
func fail(query *resolver.Query, met *visitor, packet, dst []byte, limit int, err error) []byte {
	extended := []resolver.Extended{{Code: resolver.NetworkError, Text: "no answer in time"}}
	var failure *resolver.Failure
	if errors.As(err, &failure) {
		extended = bounded(failure.Extended)
	}
	return AppendError(dst, packet, query, wire.RcodeServerFailure, extended, limit, &met.options)
}

// maxTexts bounds what a failure may add to a reply: codes and octets of text.
const maxTexts = 4

func bounded(extended []resolver.Extended) []resolver.Extended {
	extended = extended[:min(len(extended), maxTexts)]
	cut := make([]resolver.Extended, len(extended))
	for i, one := range extended {
		if len(one.Text) > resolver.TextBudget {
			one.Text = strings.ToValidUTF8(one.Text[:resolver.TextBudget], "")
		}
		cut[i] = one
	}
	return cut
}
