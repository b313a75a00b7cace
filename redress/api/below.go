package api

import (
	"fmt"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/redress"
)

// elsewhere is an open case of another filing, which opens with a token of its own.
type elsewhere struct {
	ID   redress.CaseID    `json:"id"`
	List blocklists.ListID `json:"list"`
	Name string            `json:"name"`
}

// below is what blocks names below that of the filing. Of secret lists nothing is in it.
type below struct {
	Names       int            `json:"names"`
	More        bool           `json:"more"`
	WithoutCase int            `json:"without_case"`
	Note        string         `json:"note"`
	Blocked     []blockedBelow `json:"blocked"` // once control is proved: the first of them
}

// blockedBelow is an entry of a name below.
type blockedBelow struct {
	Name string `json:"name"`
	blocking
}

// linkedOf are the cases of the filing, and those that stand for others of it.
func linkedOf(own []redress.CaseID, others []redress.Elsewhere) []redress.CaseID {
	all := append([]redress.CaseID{}, own...)
	for _, other := range others {
		all = append(all, other.ID)
	}
	return all
}

func elsewhereOf(from []redress.Elsewhere) []elsewhere {
	var all []elsewhere
	for _, other := range from {
		all = append(all, elsewhere{ID: other.ID, List: other.List, Name: other.Name.String()})
	}
	return all
}

// belowOf is nil where nothing below is blocked.
func belowOf(from *redress.Status) *below {
	told := &from.Below
	if told.Names == 0 {
		return nil
	}
	made := &below{Names: told.Names, More: told.More, WithoutCase: told.Open, Note: noteBelow(from.Verified, told), Blocked: []blockedBelow{}}
	for i, one := range blockingOf(told.Blocking) {
		made.Blocked = append(made.Blocked, blockedBelow{Name: told.Blocking[i].Entry.Name.String(), blocking: one})
	}
	return made
}

// noteBelow says it in words.
func noteBelow(verified bool, told *redress.Below) string {
	many := fmt.Sprint(told.Names)
	if told.More {
		many = "at least " + many
	}
	switch {
	case !verified:
		return fmt.Sprintf("Further names below this one that are blocked: %s. The one proof of control covers them: once it is there, each entry gets a case. A file or a page proves the very host alone.", many)
	case told.Open > 0 && told.HostAlone:
		return fmt.Sprintf("Names below this one that are still blocked: %s. Of these %d have no case, because a file or a page proves the very host alone: file for them by themselves, or prove this name by a DNS record, mail or document in a new filing.", many, told.Open)
	case told.Open > 0:
		return fmt.Sprintf("Names below this one that are still blocked: %s. Of these %d have no case yet, because one proof opens cases for %d names at the most: file for them by themselves.", many, told.Open, redress.MaxBelow)
	}
	return fmt.Sprintf("Names below this one that are still blocked: %s. Each has its case.", many)
}
