package blocklists

import "regexp"

// Published is where the public reads of an order: a database of filtering incidents that
// clients know, as lumen, and the order's number there
// (draft-ietf-dnsop-filtering-transparency). The zero value is nowhere.
type Published struct {
	DB string `yaml:"db" json:"db"`
	ID string `yaml:"id" json:"id"`
}

// databaseForm is what names and numbers of databases look like: they become part of an address.
var databaseForm = regexp.MustCompile(`^[A-Za-z0-9._~-]{1,64}$`)

// IsDatabase says whether a text can name a database of filtering incidents, or an incident there.
func IsDatabase(text string) bool { return databaseForm.MatchString(text) }

// checkPublished is about law alone: what an operator or a user wants is published by nobody else.
func (m *Manifest) checkPublished(found *problems) {
	switch published := m.Published; {
	case published == Published{}:
	case m.Purpose != Law:
		found.add("published", "is for orders; a list of purpose %s is explained by the portal", m.Purpose)
	case m.Disclosure == Secret:
		found.add("published", "says where the order is public, and disclosure: secret that it is not")
	default:
		published.check(found)
	}
}

func (p *Published) check(found *problems) {
	switch {
	case *p == Published{}:
	case !IsDatabase(p.DB):
		found.add("published.db", "%.70q is not a database's name, as lumen", p.DB)
	case !IsDatabase(p.ID):
		found.add("published.id", "%.70q is not a number in %s, as 12345678", p.ID, p.DB)
	}
}
