package limits

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Rates are how often the public may do what is kept for good. A rate whose burst is 0 forbids nothing.
type Rates struct {
	Network Rate `yaml:"network"` // filings, by network
	Name    Rate `yaml:"name"`    // filings, by registrable name
	Contact Rate `yaml:"contact"` // filings, by the contact that they give
	Letters Rate `yaml:"letters"` // receipts, by the mailbox that a filing gives
}

// DefaultRates let whoever finds all names of its customers on a list file them at once.
func DefaultRates() Rates {
	return Rates{
		Network: Rate{Burst: 3000, Every: 6 * time.Second},
		Name:    Rate{Burst: 2000, Every: 30 * time.Second},
		Contact: Rate{Burst: 2000, Every: 30 * time.Second},
		Letters: Rate{Burst: 10, Every: 144 * time.Minute}, // 20 in a day
	}
}

// Refused says that a limit keeps a filing from being taken, when to file again, and how whoever controls the
// name files at once.
type Refused struct {
	Full
	EarlyProof redress.EarlyProof
	// Missing: an early proof was shown, and its record is not in the DNS.
	Missing bool
}

// Suspended says that whoever files is suspended until a time: the question whether the name should be blocked is not taken,
// whether we carry the block out rightly is.
type Suspended struct{ Until time.Time }

func (s *Suspended) Error() string { return "suspended until " + s.Until.Format(time.RFC3339) }

// Standing knows who is suspended.
type Standing interface {
	// Suspended says until when whoever files is; zero where they are not.
	Suspended(ctx context.Context, name wire.Name, application *redress.Application) (time.Time, error)
}

// Door is where cases are filed.
type Door struct {
	buckets  *Buckets
	desk     *redress.Desk
	rates    Rates
	standing Standing
}

// NewDoor makes the door of a desk. The standing may be nil: then nobody is suspended.
func NewDoor(buckets *Buckets, desk *redress.Desk, rates Rates, standing Standing) *Door {
	return &Door{buckets: buckets, desk: desk, rates: rates, standing: standing}
}

// File files for somebody at an address. Its error is a *[Refused] where a limit is reached, a *[Suspended] where who files
// is, and what [redress.Desk.File] gives otherwise. Who shows that the name is theirs passes all limits, and has proved control of
// it. What a suspended party may ask has no limits.
func (d *Door) File(ctx context.Context, from netip.Addr, application redress.Application) (redress.Receipt, error) {
	name, err := d.desk.Subject(&application)
	if err != nil {
		return redress.Receipt{}, err
	}
	suspended, err := d.suspended(ctx, name, &application)
	if err != nil {
		return redress.Receipt{}, err
	}
	if suspended {
		return d.desk.File(ctx, application)
	}
	passes := false
	if application.EarlyProof != "" {
		if passes, err = d.desk.ProvedEarly(ctx, name, application.EarlyProof); err != nil {
			return redress.Receipt{}, err
		}
	}
	if !passes {
		if err := d.charge(ctx, from, name, application.Contact); err != nil {
			return redress.Receipt{}, d.refusal(err, name, &application)
		}
	}
	receipt, err := d.desk.File(ctx, application)
	if err == nil && passes {
		err = d.desk.Proved(ctx, receipt.ID, redress.ByDNS, redress.Actor{Name: application.Role, Role: redress.Party})
	}
	return receipt, err
}

// suspended says whether who files is; the error is a *Suspended where they ask what is not taken.
func (d *Door) suspended(ctx context.Context, name wire.Name, application *redress.Application) (bool, error) {
	if d.standing == nil {
		return false, nil
	}
	until, err := d.standing.Suspended(ctx, name, application)
	switch {
	case err != nil:
		return false, fmt.Errorf("file: %w", err)
	case until.IsZero():
		return false, nil
	case redress.Question(application.Question) != redress.Implementation:
		return true, &Suspended{Until: until}
	}
	return true, nil
}

func (d *Door) charge(ctx context.Context, from netip.Addr, name wire.Name, contact string) error {
	charges := []Charge{
		{Kind: "network", Text: redress.NetworkOf(from), Rate: d.rates.Network, Daily: true},
		{Kind: "name", Text: Registrable(name), Rate: d.rates.Name},
	}
	if contact != "" {
		charges = append(charges, Charge{Kind: "contact", Text: Mailbox(contact), Rate: d.rates.Contact})
	}
	return d.buckets.Take(ctx, charges...)
}

// refusal gives the way past a limit. An early proof that was begun is the one to go on with.
func (d *Door) refusal(err error, name wire.Name, application *redress.Application) error {
	full, is := errors.AsType[*Full](err)
	if !is {
		return fmt.Errorf("file: %w", err)
	}
	refused := &Refused{Full: *full, EarlyProof: d.desk.EarlyProof(name), Missing: application.EarlyProof != ""}
	if again, valid := d.desk.EarlyProofOf(name, application.EarlyProof); valid {
		refused.EarlyProof = again
	}
	return refused
}

// Registrable is the name that a bucket is of: the one below the public suffix, or a public suffix itself.
func Registrable(name wire.Name) string {
	if above, err := publicsuffix.EffectiveTLDPlusOne(name.String()); err == nil {
		return above
	}
	return name.String()
}

// Mailbox is a contact as it is counted, however it is written.
func Mailbox(contact string) string {
	return strings.ToLower(strings.TrimSpace(strings.TrimPrefix(contact, "mailto:")))
}

// MayWrite says whether one more receipt may be sent to a mailbox that a stranger named. Where that cannot be known none is.
func (b *Buckets) MayWrite(ctx context.Context, rate Rate, mailbox string) bool {
	return b.Take(ctx, Charge{Kind: "letter", Text: Mailbox(mailbox), Rate: rate}) == nil
}
