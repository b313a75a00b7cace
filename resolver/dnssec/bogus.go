package dnssec

import (
	"errors"
	"fmt"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// bogus says that data is false or its proof incomplete. It is a fact about the
// data and may be remembered; every other error is about this one attempt (no
// reply, no budget, no time) and must not be, or one client could spoil a zone
// for all others by running out of budget in it.
type bogus struct {
	code uint16
	text string
}

func (b *bogus) Error() string { return b.text }

func flawed(code uint16, format string, args ...any) *bogus {
	return &bogus{code: code, text: fmt.Sprintf(format, args...)}
}

func isBogus(err error) bool {
	var flaw *bogus
	return errors.As(err, &flaw)
}

// firstOf keeps the first flaw that was met: it lies nearest to the data.
func firstOf(first, later error) error {
	if first != nil {
		return first
	}
	return later
}

func exhausted(what string) error {
	return resolver.Fail(resolver.Bogus, "validation needs more %s than one query may cost", what)
}

// missed says in the words of validation what a failed lookup means for it, and
// keeps what the failure said of itself.
func missed(err error, name wire.Name, kind uint16) error {
	var failure *resolver.Failure
	if !errors.As(err, &failure) {
		return err
	}
	said := resolver.Fail(missing(kind), "no %s of %s to be had", dns.Type(kind), name)
	return &resolver.Failure{Extended: append(said.Extended, failure.Extended...), Err: failure}
}

// missing is the code for a link of the chain that cannot be had.
func missing(kind uint16) uint16 {
	if kind == dns.TypeDNSKEY {
		return resolver.KeyMissing
	}
	return resolver.Bogus
}
