package notify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/recourse-dns/recourse/redress/outbound"
)

// Failure is why a notice was not taken. Its text names no recipient: it goes into logs.
type Failure struct {
	// Class is one of few words, for metrics.
	Class FailureClass
	// Final says that to try again would be refused again.
	Final bool
	// After is how long the other side asks us to wait; zero where it does not say.
	After time.Duration
	Cause string
}

// FailureClass sorts failures.
type FailureClass string

// The classes of failures.
const (
	FailedConnect  FailureClass = "connect"  // no connection, no TLS, or it broke off
	FailedTimeout  FailureClass = "timeout"  // the other side was too slow
	FailedAuth     FailureClass = "auth"     // the server does not take our credentials
	FailedDeferred FailureClass = "deferred" // not now
	FailedRefused  FailureClass = "refused"  // not this message, or not this recipient
	FailedAddress  FailureClass = "address"  // a webhook whose address we do not connect to
)

func (f *Failure) Error() string { return fmt.Sprintf("%s: %s", f.Class, f.Cause) }

// failed makes a Failure of what kept a connection from being of use.
func failed(ctx context.Context, err error) *Failure {
	var known *Failure
	if errors.As(err, &known) {
		if ctx.Err() != nil && known.Class == FailedConnect {
			return &Failure{Class: FailedTimeout, Cause: known.Cause}
		}
		return known
	}
	if unreached, ok := errors.AsType[*outbound.Error](err); ok {
		return unconnected(unreached)
	}
	var network net.Error
	if ctx.Err() != nil || errors.As(err, &network) && network.Timeout() {
		return &Failure{Class: FailedTimeout, Cause: err.Error()}
	}
	return &Failure{Class: FailedConnect, Cause: err.Error()}
}
