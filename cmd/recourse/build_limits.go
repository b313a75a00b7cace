package main

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/limits"
	"github.com/recourse-dns/recourse/redress/misuse"
	"github.com/recourse-dns/recourse/redress/route"
)

// Misuse is how often the public may do what is kept for good, and when who misuses that is warned and suspended.
type Misuse struct {
	Limits     limits.Rates  `yaml:"limits"`
	Unfounded  uint32        `yaml:"unfounded"`  // manifestly unfounded filings that lead to a warning
	Share      uint32        `yaml:"share"`      // how many of a hundred decided ones they must be
	Within     time.Duration `yaml:"within"`     // the time that counts
	Suspension time.Duration `yaml:"suspension"` // its length
}

// criteria are those of the file; what is zero is the default.
func (m *Misuse) criteria() misuse.Criteria {
	return misuse.Criteria{Unfounded: m.Unfounded, Share: m.Share, Within: m.Within}
}

// rates are the limits of the file, with the default ones where it says none.
func (m *Misuse) rates() limits.Rates {
	made := limits.DefaultRates()
	for _, one := range []struct{ into, from *limits.Rate }{
		{&made.Network, &m.Limits.Network}, {&made.Name, &m.Limits.Name}, {&made.Contact, &m.Limits.Contact}, {&made.Letters, &m.Limits.Letters},
	} {
		if *one.from != (limits.Rate{}) {
			*one.into = *one.from
		}
	}
	return made
}

func (c *Config) checkMisuse() {
	c.checkCriteria()
	for name, rate := range map[string]limits.Rate{
		"network": c.Desk.Misuse.Limits.Network, "name": c.Desk.Misuse.Limits.Name, "contact": c.Desk.Misuse.Limits.Contact, "letters": c.Desk.Misuse.Limits.Letters,
	} {
		if rate == (limits.Rate{}) {
			continue
		}
		if rate.Burst == 0 || rate.Burst > maxRate || rate.Every < time.Millisecond || rate.Every > maxEvery {
			c.report.problem("desk.misuse.limits."+name, "has a burst, of up to a million, and the time in which one more is allowed, of up to 7d, as {burst: 100, every: 1m}")
		}
	}
}

// maxSuspension is from when on check asks whether that is meant: Article 23 of Regulation (EU) 2022/2065 speaks of a reasonable period.
const maxSuspension = 366 * 24 * time.Hour

// checkCriteria looks at when parties are warned and suspended.
func (c *Config) checkCriteria() {
	m := &c.Desk.Misuse
	if m.Share > 100 {
		c.report.problem("desk.misuse.share", "is how many of a hundred, 1 to 100")
	}
	if m.Within < 0 || m.Suspension < 0 {
		c.report.problem("desk.misuse", "within and suspension are times, as 365d and 90d")
	}
	if m.Suspension > maxSuspension {
		c.report.warn("desk.misuse.suspension", "suspends for more than a year; the default is 90d")
	}
}

// maxEvery bounds what a rate says.
const maxEvery = 7 * 24 * time.Hour

// startLimits are the limits of everything that the public does here: those of what is kept for good in the database, all others
// in memory.
func (n *node) startLimits(ctx context.Context, database *store.DB, desk *redress.Desk) (*redress.Limits, func(*http.Request) netip.Addr, *limits.Door) {
	n.standing = misuse.New(database, desk, n.config.Desk.Misuse.criteria(), n.logger)
	n.alone(n.standing.Run)
	buckets := limits.New(database)
	n.background(ctx, func(ctx context.Context) { buckets.Run(ctx, n.logger) })
	return redress.NewLimits(redress.DefaultRates()), route.Behind(n.config.Listen.WebTrustedProxies), limits.NewDoor(buckets, desk, n.config.Desk.Misuse.rates(), n.standing)
}

// letterPatience is how long a filing waits to know whether its receipt may leave.
const letterPatience = 5 * time.Second

// mayWrite bounds the receipts that strangers can have us send to a mailbox.
func (c *Config) mayWrite(database *store.DB) func(mailbox string) bool {
	buckets, rate := limits.New(database), c.Desk.Misuse.rates().Letters
	return func(mailbox string) bool {
		ctx, cancel := context.WithTimeout(context.Background(), letterPatience)
		defer cancel()
		return buckets.MayWrite(ctx, rate, mailbox)
	}
}
