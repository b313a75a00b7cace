package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/recourse-dns/recourse/redress/notify"
)

// Bounds of a registry's answer.
const (
	maxAnswer    = 512 << 10
	maxEntities  = 200
	maxDepth     = 3
	maxMailboxes = 2
)

// entity is a person or body in an answer (RFC 9083, section 5.1).
type entity struct {
	Roles    []string          `json:"roles"`
	Card     []json.RawMessage `json:"vcardArray"`
	Entities []entity          `json:"entities"`
}

// Mailboxes are those of the registrant and of the administrative contact in an answer of a
// registry, at most two. The registrar, its abuse desk and the technical contact do not count:
// they may be anybody's, and control nothing by themselves.
func Mailboxes(answer []byte) ([]string, error) {
	if len(answer) > maxAnswer {
		return nil, errors.New("answer of a registry: too large")
	}
	var domain struct {
		Entities []entity `json:"entities"`
	}
	if err := json.Unmarshal(answer, &domain); err != nil {
		return nil, fmt.Errorf("answer of a registry: %w", err)
	}
	var found []string
	left := maxEntities
	collect(domain.Entities, 0, &left, &found)
	return found, nil
}

func collect(entities []entity, depth int, left *int, found *[]string) {
	for i := range entities {
		if *left--; *left < 0 || depth >= maxDepth || len(*found) >= maxMailboxes {
			return
		}
		one := &entities[i]
		if !slices.Contains(one.Roles, "registrant") && !slices.Contains(one.Roles, "administrative") {
			continue
		}
		for _, mailbox := range one.mailboxes() {
			if len(*found) < maxMailboxes && !slices.Contains(*found, mailbox) {
				*found = append(*found, mailbox)
			}
		}
		collect(one.Entities, depth+1, left, found)
	}
}

// mailboxes reads a jCard (RFC 7095): ["vcard", [["email", {}, "text", "a@b.example"], …]].
func (e *entity) mailboxes() []string {
	var properties [][]json.RawMessage
	if len(e.Card) < 2 || json.Unmarshal(e.Card[1], &properties) != nil {
		return nil
	}
	var found []string
	for _, property := range properties[:min(len(properties), maxEntities)] {
		var name, value string
		if len(property) < 4 || json.Unmarshal(property[0], &name) != nil || name != "email" || json.Unmarshal(property[3], &value) != nil {
			continue
		}
		if mailbox, err := notify.ParseAddress(value); err == nil {
			found = append(found, mailbox)
		}
	}
	return found
}
