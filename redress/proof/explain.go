package proof

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// explain says why there is no proof, so that the party can mend it: the first of
// the usual mistakes that fits.
func (t *TXT) explain(ctx context.Context, places []place, first finding, challenge string) redress.Proof {
	owner := places[0].owner
	at := owner.String()
	switch {
	case first.bogus:
		return refused(redress.FlawBogus, at, "The answer for %s is not signed rightly (DNSSEC), so it proves nothing. Mend the zone's signatures and try again.", owner)
	case first.unknown:
		return refused(redress.FlawNoAnswer, at, "No name server gave an answer for %s. Try again in a few minutes; if it stays so, ask whoever runs the name servers.", owner)
	case len(first.values) > 0:
		flaw, detail := otherValue(owner, first.values, challenge)
		return refused(flaw, at, "%s", detail)
	}
	if doubled, found := t.at(ctx, twice(places), challenge); found {
		proof := refused(redress.FlawDoubled, at, "The record is at %s: your provider added the zone's name a second time. Enter the record's name without the zone's.", doubled)
		proof.Found = doubled.String()
		return proof
	}
	if wrong, found := t.at(ctx, beside(places), challenge); found {
		proof := refused(redress.FlawMisplaced, at, "The record is at %s. It belongs at %s, with the underscore at the beginning.", wrong, owner)
		proof.Found = wrong.String()
		return proof
	}
	if t.servers != nil {
		if lacking := t.servers.without(ctx, owner, challenge); len(lacking) > 0 {
			proof := refused(redress.FlawPartly, at, "Some name servers have the record at %s, and others do not yet: %s. Wait for them; it needs nothing else from you.", owner, strings.Join(lacking, ", "))
			proof.Found = strings.Join(lacking, ", ")
			return proof
		}
	}
	return refused(redress.FlawAbsent, at, "There is no TXT record at %s yet. A new record can take some minutes, at some providers an hour.", owner)
}

// otherValue explains a record that is there and says something else. What it says is not
// repeated: it may be the challenge of another's case.
func otherValue(owner wire.Name, values []string, challenge string) (redress.Flaw, string) {
	bare := strings.TrimPrefix(challenge, prefix)
	is := func(like func(value string) bool) bool { return slices.ContainsFunc(values, like) }
	switch {
	case is(func(value string) bool { return undecorated(value) == challenge }):
		return redress.FlawDecorated, "The record at " + owner.String() + " has the value with quotation marks, spaces or capitals in it. Enter it exactly as it is shown here."
	case is(func(value string) bool { return undecorated(value) == bare }):
		return redress.FlawBeginning, "The record at " + owner.String() + " lacks the beginning: the value starts with redress= and all of it belongs into the record."
	case is(func(value string) bool { return cut(undecorated(value), challenge) }):
		return redress.FlawCut, "The record at " + owner.String() + " has only a part of the value. Copy all of it, from redress= to the end."
	case is(func(value string) bool { return strings.HasPrefix(value, prefix) }):
		return redress.FlawEarlier, "The record at " + owner.String() + " has another value. It may be one of an earlier case: enter the value that is shown here."
	}
	return redress.FlawOther, "There is a TXT record at " + owner.String() + ", but not with the value that is shown here."
}

// prefix is how every value begins.
const prefix = "redress="

// undecorated is a value without what forms and people add to it.
func undecorated(value string) string {
	value = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || strings.ContainsRune("\"'`\\\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb", r) || r == '\ufeff' || r == '\u200b' {
			return -1
		}
		return r
	}, value)
	return strings.ToLower(value)
}

// least is how much of the value must be there to be called a part of it.
const least = len(prefix) + 6

// cut says whether the value lost its end, or its beginning in the middle of the word.
func cut(value, challenge string) bool {
	return len(value) >= least && len(value) < len(challenge) && (strings.HasPrefix(challenge, value) || strings.HasSuffix(challenge, value))
}

// twice is where the record goes when a provider's form adds the zone to a name that
// has it already.
func twice(places []place) []wire.Name {
	zone := places[len(places)-1].name
	var names []wire.Name
	for _, at := range places {
		names = append(names, wire.Name(strings.TrimSuffix(string(at.owner), "\x00")+string(zone)))
	}
	return names
}

// beside is where else people put it: at the name itself, and at the label without its
// underscore, which some forms do not take.
func beside(places []place) []wire.Name {
	names := []wire.Name{places[0].name}
	if plain, err := places[0].name.Child(strings.TrimPrefix(Label, "_")); err == nil {
		names = append(names, plain)
	}
	return names
}

// at gives the first of the names that has the value.
func (t *TXT) at(ctx context.Context, names []wire.Name, challenge string) (wire.Name, bool) {
	for _, name := range names {
		if len(name) > wire.MaxName {
			continue
		}
		if found := t.look(ctx, name); slices.Contains(found.values, challenge) {
			return name, true
		}
	}
	return "", false
}
