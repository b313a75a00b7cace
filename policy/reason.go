package policy

import (
	"fmt"
	"strconv"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/pass"
)

// Reason is what the public may know of a block: the machine copy of its page. Its
// JSON names are those of the contract. What is not known, or must not be shown, is
// left out.
type Reason struct {
	Code       Code               `json:"code"`
	Name       string             `json:"name,omitempty"`
	Scope      string             `json:"scope,omitempty"`
	Purpose    blocklists.Purpose `json:"purpose"`
	List       blocklists.ListID  `json:"list,omitempty"`
	Title      map[string]string  `json:"title,omitempty"` // of the list, by language
	Category   string             `json:"category,omitempty"`
	Publisher  string             `json:"publisher,omitempty"`
	DecidedBy  string             `json:"decided_by"`
	LegalBasis []blocklists.Basis `json:"legal_basis"`
	Ground     string             `json:"ground"`
	Detection  Detection          `json:"detection"`
	Order      string             `json:"order,omitempty"`
	// Reasons are the authority's own, by language, and Language the one that the order is in.
	Reasons      map[string]string   `json:"reasons,omitempty"`
	Language     string              `json:"language,omitempty"`
	Document     blocklists.Document `json:"document,omitzero"`
	Jurisdiction []string            `json:"jurisdiction"`
	Since        time.Time           `json:"since,omitzero"`
	Until        time.Time           `json:"until,omitzero"`
	ReviewBy     time.Time           `json:"review_by,omitzero"`
	// ReviewOverdue says that the review was not held in time, and the block goes on.
	ReviewOverdue bool `json:"review_overdue,omitempty"`
	// SourceUnreachableSince is since when a law list's source has not been reached, where
	// that has been so for long.
	SourceUnreachableSince time.Time `json:"source_unreachable_since,omitzero"`
	// Held says that a safeguard holds the entry: it blocks nothing.
	Held bool `json:"held,omitempty"`

	Redress     Redress `json:"redress"`
	ContestURL  string  `json:"contest_url,omitempty"`
	DisableURL  string  `json:"disable_url,omitempty"`
	PassURL     string  `json:"pass_url,omitempty"`
	MatchesAlso int     `json:"matches_also"`
	// Passable says that a person may be let past the block for PassFor.
	Passable bool          `json:"-"`
	PassFor  time.Duration `json:"-"`
	// Exception says that the block was lifted: the code stays readable.
	Excepted bool `json:"excepted"`
	// Confidential says that the list shows nothing of its entries, or not their names.
	Confidential bool `json:"confidential"`
}

// Redress is where a block is contested, until when, in which language, for what.
type Redress struct {
	Venues       []blocklists.Venue `json:"venues"`
	Deadline     string             `json:"deadline,omitempty"` // as 30d
	DeadlineFrom string             `json:"deadline_from,omitempty"`
	Languages    []string           `json:"languages"`
	Cost         string             `json:"cost,omitempty"`
}

// Detection is how the name came to be listed (Regulation 2022/2065, Article 17(3)(c)).
type Detection string

// The ways: a person, a program, somebody's notice or order.
const (
	Human     Detection = "human"
	Automated Detection = "automated"
	Notice    Detection = "notice"
)

// ReasonOf says of a match what the public may know. No profile and no client is
// ever in it.
func (s *Snapshot) ReasonOf(match Match) Reason {
	reason := Reason{
		Code:         match.Code,
		Purpose:      match.Purpose(),
		Excepted:     match.Exception != nil,
		Redress:      Redress{Venues: []blocklists.Venue{}, Languages: s.Operator.Languages},
		LegalBasis:   []blocklists.Basis{},
		Jurisdiction: []string{},
	}
	if match.Manifest == nil {
		s.reasonOfOwn(&reason, match.Role)
	} else {
		s.reasonOfList(&reason, &match)
	}
	if s.Operator.PassZone != "" && s.Passes != nil && Offers(&match) {
		reason.Passable, reason.PassFor = true, min(match.Manifest.Pass, pass.Longest)
	}
	s.addRedress(&reason, &match)
	if reason.Redress.Languages == nil {
		reason.Redress.Languages = []string{}
	}
	return reason
}

// reasonOfOwn is the same for whoever asks: what a household denies is nobody else's affair.
func (s *Snapshot) reasonOfOwn(reason *Reason, role Role) {
	reason.DecidedBy = accountHolder
	reason.Ground = groundOfOwn(role)
	reason.Detection = Human
}

func groundOfOwn(role Role) string {
	switch role {
	case Service:
		return "a service that the account holder switched off"
	case SafeSearch:
		return "a search engine that the account holder wants in its safe form: it is answered with the engine's own address for that"
	case Offline:
		return "hours in which the account holder wants this device to be offline"
	case Pause:
		return "a pause that the account holder set"
	}
	return "a name that the account holder denies"
}

// DetectionOf is how the entries of a list came to be listed: those of law by an authority's notice,
// all others by the programs of who maintains them.
func DetectionOf(manifest *blocklists.Manifest) Detection {
	if manifest.Purpose == blocklists.Law {
		return Notice
	}
	return Automated
}

const accountHolder = "the account holder"

func (s *Snapshot) reasonOfList(reason *Reason, match *Match) {
	manifest := match.Manifest
	switch manifest.Purpose {
	case blocklists.Law:
		reason.DecidedBy = match.Authority().Name
		reason.LegalBasis = append(reason.LegalBasis, match.LegalBasis()...)
		reason.Jurisdiction = append(reason.Jurisdiction, match.Jurisdiction()...)
	case blocklists.Security:
		reason.DecidedBy = s.Operator.Name
	default:
		reason.DecidedBy = accountHolder
	}
	reason.Detection = DetectionOf(manifest)
	reason.Ground = groundOf(match)
	if manifest.Disclosure == blocklists.Secret {
		reason.Confidential = true
		return
	}
	reason.List, reason.Title, reason.Category = manifest.ID, manifest.Title, manifest.Category
	reason.Publisher, reason.Order = manifest.Publisher.Name, match.OrderRef()
	if match.Order != nil {
		reason.Reasons, reason.Language, reason.Document = match.Order.Reasons, match.Order.Language, match.Order.Document
	}
	reason.Scope = match.Entry.Scope.String()
	reason.Since, reason.Until = utc(match.Entry.FirstSeen), match.Until()
	reason.ReviewBy = match.ReviewBy
	reason.ReviewOverdue = !match.ReviewBy.IsZero() && !time.Now().Before(match.ReviewBy)
	reason.SourceUnreachableSince = utc(match.UnreachableSince)
	reason.Held = match.Hold != nil && !match.Hold.Released
	if reason.Confidential = manifest.Disclosure == blocklists.NoName; reason.Confidential {
		return
	}
	reason.Name = match.Entry.Subject()
	reason.MatchesAlso = s.alsoMatching(match)
}

// Until is when a match of a list stops to count: the entry's own end or its list's; zero
// where neither has one.
func (m *Match) Until() time.Time {
	end := utc(m.Manifest.Expires)
	if own := m.Entry.Until; own != 0 && (end.IsZero() || int64(own) < end.Unix()) {
		return time.Unix(int64(own), 0).UTC()
	}
	return end
}

func utc(at time.Time) time.Time {
	if at.IsZero() {
		return time.Time{}
	}
	return at.UTC().Truncate(time.Second)
}

// groundOf says in words on what ground a list blocks; of a secret list, by purpose alone.
func groundOf(match *Match) string {
	manifest := match.Manifest
	category := ": " + manifest.Category
	if manifest.Disclosure == blocklists.Secret {
		category = ""
	}
	switch manifest.Purpose {
	case blocklists.Law:
		return "an order under " + actsOf(match.LegalBasis()) + category
	case blocklists.Security:
		return "protection of the network and of those who use it" + category
	}
	return "a filter that the account holder asked for" + category
}

// alsoMatching counts the other entries that block the same name and may be shown.
func (s *Snapshot) alsoMatching(match *Match) int {
	count := 0
	for _, other := range s.Matches(match.Entry.Name) {
		if other.Counts && other.Code != match.Code && other.Manifest.Disclosure == blocklists.Full {
			count++
		}
	}
	return count
}

// addRedress says who hears a contest. The operator always hears that an order was
// carried out wrongly; the merits of law are the authority's.
func (s *Snapshot) addRedress(reason *Reason, match *Match) {
	if match.Manifest != nil {
		given := match.Redress()
		reason.Redress.Venues = append(reason.Redress.Venues, given.Venues...)
		reason.Redress.Deadline, reason.Redress.DeadlineFrom, reason.Redress.Cost = deadline(given.Deadline), given.DeadlineFrom, given.Cost
		if len(given.Languages) > 0 {
			reason.Redress.Languages = given.Languages
		}
	}
	hears := "merits"
	switch reason.Purpose {
	case blocklists.Law:
		hears = "implementation"
		for i := range reason.Redress.Venues {
			if reason.Redress.Venues[i].For == "" {
				reason.Redress.Venues[i].For = "merits"
			}
		}
	case blocklists.Security:
		if reason.Passable {
			reason.PassURL = s.Operator.address("/r/" + reason.Code.String() + "#pass")
		}
	case blocklists.User:
		reason.DisableURL = s.Operator.address("/r/" + reason.Code.String() + "#disable")
	}
	reason.ContestURL = s.Operator.address("/contest?code=" + reason.Code.String())
	if s.Operator.Name != "" {
		reason.Redress.Venues = append(reason.Redress.Venues, blocklists.Venue{
			Kind: "provider", Name: s.Operator.Name, URL: reason.ContestURL, Contact: s.Operator.Contact, For: hears,
		})
	}
}

// deadline writes whole days as the configuration does, as 30d.
func deadline(length time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case length <= 0:
		return ""
	case length%day == 0:
		return strconv.FormatInt(int64(length/day), 10) + "d"
	}
	return fmt.Sprint(length)
}
