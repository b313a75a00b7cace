package proof

import (
	"context"
	"slices"
	"strings"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// explain says why there is no proof, so that the party can mend it: the first of
// the usual mistakes that fits.
func (t *TXT) explain(ctx context.Context, places []place, first finding, challenge string) redress.Proof {
	owner := places[0].owner
	switch {
	case first.bogus:
		return refused("The answer for %s is not signed rightly (DNSSEC), so it proves nothing. Mend the zone's signatures and try again.", owner)
	case first.unknown:
		return refused("No name server gave an answer for %s. Try again in a few minutes; if it stays so, ask whoever runs the name servers.", owner)
	case len(first.values) > 0:
		return refused("%s", otherValue(owner, first.values, challenge))
	}
	if doubled, found := t.doubled(ctx, places, challenge); found {
		return refused("The record is at %s: your provider added the zone's name a second time. Enter the record's name without the zone's.", doubled)
	}
	return refused("There is no TXT record at %s yet. A new record can take some minutes, at some providers an hour.", owner)
}

// otherValue explains a record that is there and says something else.
func otherValue(owner wire.Name, values []string, challenge string) string {
	near := func(value string) bool {
		return strings.EqualFold(strings.Trim(strings.TrimSpace(value), `"'\`), challenge)
	}
	bare := strings.TrimPrefix(challenge, "redress=")
	switch {
	case slices.ContainsFunc(values, near):
		return "The record at " + owner.String() + " has the value with quotation marks, spaces or capitals in it. Enter it exactly as it is shown here."
	case slices.Contains(values, bare):
		return "The record at " + owner.String() + " lacks the beginning: the value starts with redress= and all of it belongs into the record."
	case slices.ContainsFunc(values, func(value string) bool { return strings.HasPrefix(value, "redress=") }):
		return "The record at " + owner.String() + " has another value. It may be one of an earlier case: enter the value that is shown here."
	}
	return "There is a TXT record at " + owner.String() + ", but not with the value that is shown here."
}

// doubled looks where the record goes when a provider's form adds the zone to a
// name that has it already.
func (t *TXT) doubled(ctx context.Context, places []place, challenge string) (wire.Name, bool) {
	zone := places[len(places)-1].name
	last := places[0].owner
	twice := wire.Name(strings.TrimSuffix(string(last), "\x00") + string(zone))
	if len(twice) > wire.MaxName {
		return "", false
	}
	found := t.look(ctx, twice)
	return twice, slices.Contains(found.values, challenge)
}
