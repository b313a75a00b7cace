package fleet

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Position is how many changes of each kind somebody has.
type Position struct {
	Exceptions uint64 `json:"exceptions"`
	Orders     uint64 `json:"orders"`
	Profiles   uint64 `json:"profiles"`
}

// Document is what changed between two positions. Where From is zero it is all there is, and
// what it does not name is no more.
type Document struct {
	Nonce      string      `json:"nonce"`
	At         time.Time   `json:"at"`
	From       Position    `json:"from"`
	To         Position    `json:"to"`
	Deployment string      `json:"deployment"` // fingerprint of the key of reason codes
	Exceptions []exception `json:"exceptions,omitempty"`
	Ended      []int64     `json:"ended,omitempty"` // exceptions that are no more
	Orders     []order     `json:"orders,omitempty"`
	Profiles   []record    `json:"profiles,omitempty"`
}

type exception struct {
	ID   int64                    `json:"id"`
	Kind blocklists.ExceptionKind `json:"kind"`
	List blocklists.ListID        `json:"list"`
	Name string                   `json:"name"`
	Keep string                   `json:"keep,omitempty"`
	Case string                   `json:"case,omitempty"`
	At   time.Time                `json:"at"`
}

type order struct {
	ID        int64            `json:"id"`
	Order     blocklists.Order `json:"order"`
	Suspended time.Time        `json:"suspended_until,omitzero"`
	Names     []ordered        `json:"names,omitempty"` // none: it blocks nothing any more
}

type ordered struct {
	Name      string           `json:"name"`
	Scope     blocklists.Scope `json:"scope"`
	Effective time.Time        `json:"effective,omitzero"`
	Expires   time.Time        `json:"expires,omitzero"`
	Held      bool             `json:"held,omitempty"`
	Added     time.Time        `json:"added"`
}

type record struct {
	profile.Config
	By string    `json:"changed_by"`
	At time.Time `json:"changed_at"`
}

// signedContext begins everything that is signed, so that no signature made here serves elsewhere.
const signedContext = "recourse fleet document 1\n"

// ErrSignature says that a document is not the desk's.
var ErrSignature = errors.New("the signature is not the desk's")

// sign gives the document's octets and their signature, as it travels.
func (d *Document) sign(key ed25519.PrivateKey) (body []byte, signature string, err error) {
	if body, err = json.Marshal(d); err != nil {
		return nil, "", fmt.Errorf("fleet document: %w", err)
	}
	return body, sign(signedContext, body, key), nil
}

// open reads a document that answers the question of the nonce, asked at a position.
func open(body []byte, signature string, keys []ed25519.PublicKey, nonce string, asked Position) (*Document, error) {
	if !isSigned(signedContext, body, signature, keys) {
		return nil, ErrSignature
	}
	made := new(Document)
	if err := json.Unmarshal(body, made); err != nil {
		return nil, fmt.Errorf("fleet document: %w", err)
	}
	switch {
	case made.Nonce != nonce:
		return nil, errors.New("fleet document: answers another question, so it may be an old one")
	case made.From != asked && made.From != Position{}:
		return nil, errors.New("fleet document: goes on from where this node is not")
	}
	return made, nil
}

func exceptionOf(from *blocklists.Exception) exception {
	made := exception{ID: from.ID, Kind: from.Kind, List: from.List, Name: from.Name.String(), Case: from.Case, At: from.At}
	if from.Keep != "" {
		made.Keep = from.Keep.String()
	}
	return made
}

func (e *exception) read() (made blocklists.Exception, err error) {
	made = blocklists.Exception{ID: e.ID, Kind: e.Kind, List: e.List, Case: e.Case, At: e.At}
	if e.List == "" || e.Kind != blocklists.Decided && e.Kind != blocklists.Operator {
		return made, fmt.Errorf("exception %d: of no list or no kind that this version knows", e.ID)
	}
	if made.Name, err = wire.ParseName(e.Name); err == nil && e.Keep != "" {
		made.Keep, err = wire.ParseName(e.Keep)
	}
	if err != nil {
		return made, fmt.Errorf("exception %d: %w", e.ID, err)
	}
	return made, nil
}

func orderOf(from *store.BookedOrder) order {
	made := order{ID: from.ID, Order: from.Order, Suspended: from.Suspended.Until}
	for i := range from.Names {
		name := &from.Names[i]
		made.Names = append(made.Names, ordered{
			Name: name.Name.String(), Scope: name.Scope, Effective: name.Effective, Expires: name.Expires,
			Held: name.Standing == store.NameHeld, Added: name.AddedAt,
		})
	}
	return made
}

func (o *order) read() (store.BookedOrder, error) {
	kept := &store.OrderRecord{ID: o.ID, Lawful: true, OrderContent: store.OrderContent{Order: o.Order, Suspended: store.Suspension{Until: o.Suspended}}}
	made := store.BookedOrder{OrderRecord: kept, Names: make([]store.OrderName, 0, len(o.Names))}
	for i := range o.Names {
		name, err := o.Names[i].read()
		if err != nil {
			return made, fmt.Errorf("order %q: %w", o.Order.Ref, err)
		}
		made.Names = append(made.Names, name)
	}
	return made, nil
}

func (o *ordered) read() (made store.OrderName, err error) {
	made = store.OrderName{Scope: o.Scope, Effective: o.Effective, Expires: o.Expires, AddedAt: o.Added, Standing: store.NameActive}
	if o.Held {
		made.Standing = store.NameHeld
	}
	made.Name, err = wire.ParseName(o.Name)
	return made, err
}
