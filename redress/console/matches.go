package console

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
)

// matchTable is all entries that cover a name, in the order of precedence.
func (v *visit) matchTable(matches []policy.Match) table {
	made := table{
		Caption: "Entries that cover the name, in the order of precedence", Empty: "No entry of a list that you may see covers the name.",
		Columns: []string{"Purpose", "List", "Entry", "Line of the source", "Order", "Counts", "Since", "Hold or exception", "Code"},
	}
	matches = v.visible(matches)
	for i := range matches {
		match := &matches[i]
		if match.Manifest == nil {
			continue
		}
		made.add(badge(match.Purpose()), link(listPath(match.Entry.List), string(match.Entry.List)),
			several(named(match.Entry.Subject()), text(match.Entry.Scope.String())), text(lineOf(&match.Entry)), orderCell(match),
			text(yesNo(match.Counts)), moment(match.Entry.FirstSeen), stopped(match), link("/console/code?code="+match.Code.String(), match.Code.String()))
	}
	return made
}

func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

// lineOf is where the entry was read, as a person finds it again.
func lineOf(entry *blocklists.Entry) string {
	switch {
	case entry.Line != 0:
		return "line " + strconv.FormatUint(uint64(entry.Line), 10) + " of " + entry.Source
	case entry.Order != "":
		return "the order"
	}
	return entry.Source
}

func orderCell(match *policy.Match) cell {
	ref := match.OrderRef()
	if match.Order == nil || ref == "" {
		return text(ref)
	}
	return link(orderPath(match.Entry.List, ref), ref)
}

// stopped is what keeps an entry from counting, as far as it stands beside the entry.
func stopped(match *policy.Match) cell {
	var said []cell
	if match.Hold != nil {
		said = append(said, text(match.Hold.String()))
	}
	if match.Exception != nil {
		said = append(said, text(strings.TrimSpace("exception: "+string(match.Exception.Kind)+" "+match.Exception.Case)))
	}
	if len(said) == 0 {
		return cell{}
	}
	return several(said...)
}

func listPath(list blocklists.ListID) string { return "/console/lists/" + url.PathEscape(string(list)) }

func orderPath(list blocklists.ListID, ref string) string {
	return "/console/orders/" + url.PathEscape(string(list)) + "/" + url.PathEscape(ref)
}
