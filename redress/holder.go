package redress

import "github.com/recourse-dns/recourse/blocklists"

// holderFirst says whether the account holder can undo the block at once, so that the party is told that
// first. A reviewer for the category looks within working days all the same: a holder who does not answer
// stops no clock of ours.
func (c *Case) holderFirst() bool {
	return c.Entry != nil && c.Entry.Purpose == blocklists.User && !c.Confidential
}
