package proof

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/publicsuffix"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Label is where the record stands, below the name.
const Label = "_redress-challenge"

const (
	// patience is how long one proof may take, all its questions together.
	patience = 10 * time.Second
	// maxAliases bounds the aliases followed inside one answer.
	maxAliases = 16
)

// TXT proves control by a TXT record. It implements redress.Prover.
type TXT struct {
	handler resolver.Handler
	servers *servers // nil where they are not asked by themselves
}

// NewTXT makes a prover that asks the handler, which must lie below policy and cache.
func NewTXT(handler resolver.Handler) *TXT { return &TXT{handler: handler} }

// place is one name at which the record may stand.
type place struct {
	name  wire.Name // below which the record stands
	owner wire.Name
}

// Prove looks the record up now.
func (t *TXT) Prove(ctx context.Context, claim redress.Claim) (redress.Proof, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	challenge := claim.Challenge.Value
	places, err := placesFor(claim.Name)
	if err != nil {
		return refused(redress.FlawTooLong, claim.Name.String(), "The name is so long that no name for the record fits below it."), nil //nolint:nilerr // it is the party's name that is too long
	}
	var first finding
	for i, at := range places {
		found := t.look(ctx, at.owner)
		if i == 0 {
			first = found
		}
		if slices.Contains(found.values, challenge) {
			return t.withoutWildcard(ctx, at, challenge), nil
		}
	}
	if ctx.Err() != nil {
		return refused(redress.FlawNoAnswer, places[0].owner.String(), "The name servers did not answer in time. Try again in a few minutes."), nil
	}
	return t.explain(ctx, places, first, challenge), nil
}

func refused(flaw redress.Flaw, at, format string, args ...any) redress.Proof {
	return redress.Proof{Flaw: flaw, At: at, Detail: fmt.Sprintf(format, args...)}
}

// placesFor is the name itself and the registrable name above it, where there is one.
func placesFor(name wire.Name) ([]place, error) {
	owner, err := name.Child(Label)
	if err != nil {
		return nil, err
	}
	places := []place{{name: name, owner: owner}}
	above, known := registrable(name)
	if !known || above == name {
		return places, nil
	}
	owner, err = above.Child(Label)
	if err != nil {
		return nil, err
	}
	return append(places, place{name: above, owner: owner}), nil
}

// registrable is the name directly below the public suffix.
func registrable(name wire.Name) (wire.Name, bool) {
	text, err := publicsuffix.EffectiveTLDPlusOne(name.String())
	if err != nil {
		return "", false // the name is a public suffix itself
	}
	above, err := wire.ParseName(text)
	return above, err == nil && name.IsBelow(above)
}

// withoutWildcard accepts the record when a random name beside it has another answer.
func (t *TXT) withoutWildcard(ctx context.Context, at place, challenge string) redress.Proof {
	sibling, err := at.name.Child("_redress-" + strings.ToLower(rand.Text()))
	if err != nil {
		return refused(redress.FlawTooLong, at.owner.String(), "The name is so long that it cannot be told whether a wildcard answers for it.")
	}
	beside := t.look(ctx, sibling)
	switch {
	case beside.failed():
		return refused(redress.FlawUnruled, at.owner.String(), "The record is there, but whether a wildcard gave it could not be found out. Try again in a few minutes.")
	case slices.Contains(beside.values, challenge):
		return refused(redress.FlawWildcard, at.owner.String(), "A wildcard below %s gives this value for every name. Put the record at %s itself and take the wildcard away.", at.name, at.owner)
	}
	return redress.Proof{Verified: true, At: at.owner.String(), Detail: fmt.Sprintf("The record at %s is right.", at.owner)}
}

// finding is what one look brought.
type finding struct {
	values  []string
	bogus   bool
	unknown bool // no answer could be had
}

func (f *finding) failed() bool { return f.bogus || f.unknown }

// look asks for the TXT records at a name and follows aliases inside the answer.
func (t *TXT) look(ctx context.Context, owner wire.Name) finding {
	query := resolver.NewQuery(owner, dns.TypeTXT, resolver.NewWork())
	query.Fresh = true
	answer, err := t.handler.Resolve(ctx, query)
	if err != nil || answer == nil {
		return finding{bogus: isBogus(err), unknown: !isBogus(err)}
	}
	message, err := answer.Unpack()
	if err != nil || message.Rcode != dns.RcodeSuccess && message.Rcode != dns.RcodeNameError {
		return finding{unknown: true}
	}
	return finding{values: textsAt(message.Answer, owner.FQDN())}
}

func isBogus(err error) bool {
	failure, ok := errors.AsType[*resolver.Failure](err)
	return ok && slices.ContainsFunc(failure.Extended, func(extended resolver.Extended) bool {
		return extended.Code >= resolver.Bogus && extended.Code <= resolver.DenialMissing
	})
}

// textsAt are the values of the TXT records at the end of the owner's aliases.
func textsAt(records []dns.RR, owner string) []string {
	for range maxAliases {
		next := slices.IndexFunc(records, func(record dns.RR) bool {
			_, alias := record.(*dns.CNAME)
			return alias && strings.EqualFold(record.Header().Name, owner)
		})
		if next < 0 {
			break
		}
		owner = records[next].(*dns.CNAME).Target
	}
	var values []string
	for _, record := range records {
		if text, ok := record.(*dns.TXT); ok && strings.EqualFold(text.Hdr.Name, owner) {
			values = append(values, strings.Join(text.Txt, ""))
		}
	}
	return values
}
