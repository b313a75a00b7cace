package blocklists

import (
	"regexp"
	"slices"
	"strings"
)

// authorityKinds are who may order.
var authorityKinds = []string{"court", "regulator", "ministry", "police", "csirt", "private"}

// agreementForm finds acts that are none: what companies have agreed to among themselves, or
// with an authority, permits no block as law.
var agreementForm = regexp.MustCompile(`(?i)\b(agreements?|memorandum|mou|code of (conduct|practice)|covenant|voluntary|self-regulation|gentlemen|` +
	`vereinbarung|verhaltenskodex|selbstverpflichtung|protocollo d'intesa|accordo|accord|charte|conven[a]nt|acuerdo|porozumienie)\b`)

// netNeutralityForm finds Regulation (EU) 2015/2120.
var netNeutralityForm = regexp.MustCompile(`2015/2120`)

// checkGround looks at whether what a list names as its ground can be one.
func (m *Manifest) checkGround(found *problems) {
	switch {
	case m.Purpose == Security && m.Category == "dga-nrd" && strings.TrimSpace(m.Statement) == "":
		found.add("statement", "is missing: the age of a name alone is no ground for security; say what else the names of this list have shown")
	case m.Purpose == Law && m.Authority.Kind != "" && !slices.Contains(authorityKinds, m.Authority.Kind):
		found.add("authority.kind", "%q is not one of %s", m.Authority.Kind, strings.Join(authorityKinds, ", "))
	case m.Purpose == Law && m.byAgreement():
		found.add("legal_basis", "is an agreement: a list that is followed by mere agreement, without act or order, does not load as law; "+
			"name the act, or the order in order_ref, or let those who want it ask for it as a user list")
	}
}

// byAgreement says whether neither act nor order stands behind the list.
func (m *Manifest) byAgreement() bool {
	if m.OrderRef != "" || len(m.LegalBasis) == 0 {
		return false
	}
	if m.Authority.Kind == "private" {
		return true
	}
	return !slices.ContainsFunc(m.LegalBasis, func(basis Basis) bool { return basis.Act == "" || !agreementForm.MatchString(basis.Act) })
}

// OnlyNetNeutrality says whether Regulation (EU) 2015/2120 is the only basis of a law
// list. Its Article 3(3) permits what an act or an order demands and demands nothing itself.
func (m *Manifest) OnlyNetNeutrality() bool {
	return m.Purpose == Law && len(m.LegalBasis) > 0 &&
		!slices.ContainsFunc(m.LegalBasis, func(basis Basis) bool { return !netNeutralityForm.MatchString(basis.Act) })
}

// misplaced says why a category that is known is not one of the purpose; empty where it
// needs no words of its own.
func misplaced(purpose Purpose, category string) string {
	if purpose == Security && category == "doh-bypass" {
		return ": to keep people with this resolver is no protection of the network; it may be user, or law where an act says so"
	}
	return ""
}
