package audit

import (
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/redress"
)

// The kinds of events that this package gives the facts of.
const (
	Started    redress.EventKind = "started"  // the server, under a configuration
	Reloaded   redress.EventKind = "reloaded" // the configuration
	Version    redress.EventKind = "list_version"
	Gone       redress.EventKind = "list_gone" // from the configuration
	Held       redress.EventKind = "list_holds"
	Released   redress.EventKind = "hold_released" // by one of those who it takes
	Confirmed  redress.EventKind = "list_confirmed"
	RolledBack redress.EventKind = "rolled_back"
	Unpinned   redress.EventKind = "list_unpinned"
	Counted    redress.EventKind = "lists_counted"  // once a day
	Blocks     redress.EventKind = "blocks_counted" // of a day that is over
	Informed   redress.EventKind = "information_order"
	Staff      redress.EventKind = "staff"
)

// Configuration is the subject of [Started] and [Reloaded]; Lists that of what is about all.
const (
	Configuration = "configuration"
	Lists         = "lists"
	secretList    = "list/secret" // one for all of them: it tells neither how many there are nor which
)

// OfList is the subject of events of a list.
func OfList(list blocklists.ListID, disclosure blocklists.Disclosure) string {
	if disclosure == blocklists.Secret {
		return secretList
	}
	return "list/" + string(list)
}

// Settings is what [Started] and [Reloaded] say: the hash of all settings, and what is
// different from those before. Of households there are counts alone.
type Settings struct {
	Program string          `json:"program,omitempty"`
	Hash    string          `json:"hash"`
	Before  string          `json:"before,omitempty"` // the hash of those before
	Changed []SettingChange `json:"changed,omitempty"`
	More    int             `json:"more,omitempty"` // changes that are not listed
	// Restart says that some of it is in force with the next start alone.
	Restart bool `json:"restart,omitempty"`
	// What can make a name resolve otherwise, as it is now.
	Guard           string   `json:"guard"`
	Zones           []string `json:"zones,omitempty"`
	LocalRecords    int      `json:"local_records,omitempty"`
	NegativeAnchors []string `json:"negative_anchors,omitempty"`
	Canaries        []string `json:"canaries,omitempty"`
	Lists           int      `json:"lists"`
	Profiles        int      `json:"profiles"`
	Clients         int      `json:"clients"`
}

// SettingChange is one setting that is another. Of secrets, addresses of people and what is about secret
// lists neither value is said.
type SettingChange struct {
	Key string `json:"key"`
	Was string `json:"was,omitempty"`
	Is  string `json:"is,omitempty"`
}

// ListVersion is what a list is as it came in force. Of a secret list there is only a version that
// tells nobody anything who has not its text.
type ListVersion struct {
	Generation   uint64   `json:"generation"`
	Version      string   `json:"version"` // SHA-256 of the source
	Purpose      string   `json:"purpose,omitempty"`
	Category     string   `json:"category,omitempty"`
	Scope        string   `json:"scope,omitempty"`
	Jurisdiction []string `json:"jurisdiction,omitempty"`
	State        string   `json:"state,omitempty"`
	Entries      int      `json:"entries,omitempty"`
	Added        int      `json:"added,omitempty"`
	Removed      int      `json:"removed,omitempty"`
	Held         int      `json:"held,omitempty"`
}

// ListHolds is how much of a list is held, by safeguard.
type ListHolds struct {
	Open  map[string]int `json:"open"`
	Begun int            `json:"begun,omitempty"`
	Ended int            `json:"ended,omitempty"`
}

// HoldReleased is one person's word.
type HoldReleased struct {
	Name      string `json:"name,omitempty"` // where the list shows names
	Safeguard string `json:"safeguard"`
	Released  bool   `json:"released"` // with this word it may go
	Held      int    `json:"held"`     // entries that it is about
}

// Rollback is from which generation to the content of which.
type Rollback struct {
	From   uint64 `json:"from"`
	To     uint64 `json:"to"`
	Now    uint64 `json:"now"`
	Pinned int    `json:"pinned"`
}

// ListsCount is how lists stand on a day: what is not secret, each.
type ListsCount struct {
	Day   string      `json:"day"` // 2026-11-26
	Lists []ListCount `json:"lists"`
}

// ListCount is how one list stands. Ages counts entries by how many days they have been known: up to
// one day, two, four, and so on.
type ListCount struct {
	List     string  `json:"list"`
	Purpose  string  `json:"purpose"`
	Category string  `json:"category,omitempty"`
	Scope    string  `json:"scope,omitempty"`
	Title    string  `json:"title,omitempty"`
	Active   int     `json:"active"`
	Held     int     `json:"held,omitempty"`
	NoEnd    int     `json:"no_end,omitempty"` // without date of end or review
	Review   int     `json:"past_review,omitempty"`
	Expired  int     `json:"expired,omitempty"`
	Ages     [16]int `json:"ages"`
	Detected string  `json:"detected,omitempty"` // human, automated or notice
}

// BlocksCount is how many answers lists withheld on a day: those that may be published.
type BlocksCount struct {
	Day     string           `json:"day"`
	Answers int64            `json:"answers"`
	Blocked map[string]int64 `json:"blocked"` // by list
	Passes  int64            `json:"passes,omitempty"`
	OptOuts int64            `json:"opt_outs,omitempty"` // profiles that were left
}

// InformationOrder is an order to tell about somebody.
type InformationOrder struct {
	Authority string    `json:"authority"`
	Country   string    `json:"country"`
	Received  time.Time `json:"received"`
	Answered  time.Time `json:"answered,omitzero"`
	Held      bool      `json:"held"` // whether there was anything to tell
}

// StaffFacts are who works at the desk.
type StaffFacts struct {
	Reviewers     int      `json:"reviewers"`
	Languages     []string `json:"languages,omitempty"`
	TrainingHours int      `json:"training_hours"`
	Clients       int      `json:"clients,omitempty"` // whom the resolver serves
}
