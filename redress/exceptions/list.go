package exceptions

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// Sort is the order of a list.
type Sort string

// The orders. Within one of them the older exception comes first.
const (
	ByNumber Sort = "number" // as they were made
	ByReview Sort = "review" // who has to be looked at again next; those that nobody has to, last
	ByMaker  Sort = "by"
	ByCase   Sort = "case" // the operator's own first
)

// Sorts are all orders.
func Sorts() []Sort { return []Sort{ByNumber, ByReview, ByMaker, ByCase} }

// never stands for no review, behind all times.
const never = int64(1) << 62

// expression is what is compared, in SQL; its values are those of key.
func (s Sort) expression() (string, bool) {
	expression, known := map[Sort]string{
		ByNumber: `x.id`, ByReview: `CASE WHEN x.review < 0 THEN ` + strconv.FormatInt(never, 10) + ` ELSE x.review END`, ByMaker: `x.made_by`, ByCase: `x.case_id`,
	}[s]
	return expression, known
}

func (s Sort) key(one *Shown) string {
	switch s {
	case ByReview:
		if one.Review.IsZero() {
			return strconv.FormatInt(never, 10)
		}
		return strconv.FormatInt(one.Review.UnixMicro(), 10)
	case ByMaker:
		return one.By
	case ByCase:
		return one.Case
	}
	return strconv.FormatInt(one.ID, 10)
}

// Place is where a page begins; the zero value is the first. It stays one when the exception there has ended.
type Place struct {
	id  int64
	key string
}

// String is the place as it travels; empty for the first.
func (p Place) String() string {
	switch {
	case p.id == 0:
		return ""
	case p.key == strconv.FormatInt(p.id, 10):
		return p.key
	}
	return strconv.FormatInt(p.id, 10) + "." + base64.RawURLEncoding.EncodeToString([]byte(p.key))
}

// maxPlace is the longest that String makes, and more.
const maxPlace = 400

// ParsePlace reads what String wrote for a list of that order.
func ParsePlace(text string, sort Sort) (Place, bool) {
	if text == "" {
		return Place{}, true
	}
	number, encoded, more := strings.Cut(text, ".")
	id, err := ParseID(number)
	if err != nil || len(text) > maxPlace || more == (sort == ByNumber) {
		return Place{}, false
	}
	if !more {
		return Place{id: id, key: strconv.FormatInt(id, 10)}, true
	}
	key, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return Place{}, false
	}
	if sort == ByReview {
		_, err = strconv.ParseInt(string(key), 10, 64)
	}
	return Place{id: id, key: string(key)}, err == nil && !strings.ContainsRune(string(key), 0)
}

// List gives a page of the exceptions in force in an order, from a place of that order on, and where the next page
// begins; the zero value where there is none.
func (o *Office) List(ctx context.Context, sort Sort, after Place) (page []Shown, next Place, err error) {
	expression, known := sort.expression()
	if !known {
		return nil, next, fmt.Errorf("list exceptions: no such order: %.20q", string(sort))
	}
	query, args := `SELECT x.id `+source+` WHERE x.ended_at IS NULL`, []any{}
	if after.id != 0 {
		query, args = query+` AND (`+expression+`, x.id) > (?, ?)`, append(args, after.value(sort), after.id)
	}
	order := ` ORDER BY ` + expression + `, x.id`
	// Who made an exception is read of those of the page alone, where the order does not ask for it.
	page, err = o.find(ctx, columns+` WHERE x.id IN (`+query+order+` LIMIT ?)`+order, append(args, MaxPage)...)
	if err != nil {
		return nil, next, fmt.Errorf("list exceptions: %w", err)
	}
	if len(page) == MaxPage {
		last := &page[len(page)-1]
		next = Place{id: last.ID, key: sort.key(last)}
	}
	return page, next, nil
}

// value is the key as the database compares it.
func (p Place) value(sort Sort) any {
	if sort == ByNumber || sort == ByReview {
		number, _ := strconv.ParseInt(p.key, 10, 64) // ParsePlace and key wrote a number
		return number
	}
	return p.key
}
