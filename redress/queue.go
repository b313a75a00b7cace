package redress

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Page asks for a part of the queue, by deadline and then by id. What is empty does not matter.
type Page struct {
	// After is where the page begins; the zero value for the first.
	After Cursor
	Limit int
	// All takes in the cases that wait for nobody of ours.
	All bool
	// Before takes those only of which a clock of ours runs out until then.
	Before  time.Time
	Purpose string // law, security or user
	List    blocklists.ListID
	// State is that of either track, or of the one that Track says.
	State State
	Track Question
	// Code takes those about the entry that it stands for.
	Code policy.Code
	// FiledBefore takes those that were filed before.
	FiledBefore time.Time
	// Actor takes those only in which somebody did something.
	Actor string
	Name  wire.Name
	// Reread takes those only of which a decision waits to be read again.
	Reread bool
	// Confidential takes in those about secret lists; the desk sets it for who is cleared.
	Confidential bool
}

// Cursor is a place in the queue. It stays one when the case there is decided meanwhile.
type Cursor struct {
	Due time.Time // zero behind all deadlines
	ID  CaseID
}

// Cursor is the case's place in the queue.
func (c *Case) Cursor() Cursor { return Cursor{Due: c.Due(), ID: c.ID} }

// String is the cursor as it travels.
func (c Cursor) String() string {
	if c.ID == "" {
		return ""
	}
	due := int64(0)
	if !c.Due.IsZero() {
		due = c.Due.UnixMicro()
	}
	return string(c.ID) + "." + strconv.FormatInt(due, 36)
}

// ParseCursor reads what String wrote; the empty text is the beginning.
func ParseCursor(text string) (Cursor, bool) {
	if text == "" {
		return Cursor{}, true
	}
	first, second, found := strings.Cut(text, ".")
	id, ok := ParseCaseID(first)
	due, err := strconv.ParseInt(second, 36, 64)
	if !found || !ok || err != nil {
		return Cursor{}, false
	}
	cursor := Cursor{ID: id}
	if due != 0 {
		cursor.Due = time.UnixMicro(due).UTC()
	}
	return cursor, true
}

// MaxPage is the most cases on one page of the queue.
const MaxPage = 200

// Queue gives a page of cases, the next deadline first.
func (d *Desk) Queue(ctx context.Context, actor Actor, page Page) ([]*Case, error) {
	if !actor.MayRead() {
		return nil, ErrNotPermitted
	}
	if page.Limit <= 0 || page.Limit > MaxPage {
		page.Limit = MaxPage
	}
	page.Confidential = actor.Cleared
	cases, err := d.store.List(ctx, page)
	if err != nil {
		return nil, fmt.Errorf("queue: %w", err)
	}
	return cases, nil
}
