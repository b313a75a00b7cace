package tlsconf

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"time"
)

// Expiry is how near a certificate is to its end.
type Expiry uint8

// The stages, each of which is said once.
const (
	Fresh  Expiry = iota
	Soon          // 14 days, or a sixth of a short life
	Urgent        // 3 days, or a thirtieth
	Ended
)

// ExpiryOf is the stage of a certificate. One that lives for days only is renewed within
// hours, so that days would say nothing.
func ExpiryOf(leaf *x509.Certificate, now time.Time) Expiry {
	life, left := leaf.NotAfter.Sub(leaf.NotBefore), leaf.NotAfter.Sub(now)
	switch {
	case left <= 0:
		return Ended
	case left <= min(3*24*time.Hour, life/30):
		return Urgent
	case left <= min(14*24*time.Hour, life/6):
		return Soon
	}
	return Fresh
}

// alarms is what was said of the end of each certificate.
type alarms struct {
	said map[*tls.Certificate]Expiry
}

// tell logs the stages that certificates have come to.
func (a *alarms) tell(logger *slog.Logger, all []presented, now time.Time) {
	said := make(map[*tls.Certificate]Expiry, len(all))
	for _, one := range all {
		stage := ExpiryOf(one.Leaf, now)
		said[one.Certificate] = stage
		if stage <= a.said[one.Certificate] {
			continue
		}
		level, text := slog.LevelWarn, "a certificate ends soon; renew it"
		switch stage {
		case Urgent:
			level, text = slog.LevelError, "a certificate ends within days; renew it now"
		case Ended:
			level, text = slog.LevelError, "a certificate has ended; clients that verify it turn away"
		}
		logger.Log(context.Background(), level, text, "source", one.kind, "names", namesOf(one.Leaf), "until", one.Leaf.NotAfter)
	}
	a.said = said
}
