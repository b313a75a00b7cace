package resolver

import (
	"context"
	"errors"
	"fmt"
)

// Handler resolves one query.
type Handler interface {
	Resolve(ctx context.Context, query *Query) (*Answer, error)
}

// HandlerFunc is a function that resolves.
type HandlerFunc func(ctx context.Context, query *Query) (*Answer, error)

// Resolve calls f.
func (f HandlerFunc) Resolve(ctx context.Context, query *Query) (*Answer, error) {
	return f(ctx, query)
}

// Stage puts itself above the handler that it asks.
type Stage func(next Handler) Handler

// Chain joins stages, the first on top, above the last handler.
func Chain(last Handler, stages ...Stage) Handler {
	for i := len(stages) - 1; i >= 0; i-- {
		last = stages[i](last)
	}
	return last
}

var (
	// Dropped says that the client gets no reply at all, on purpose.
	Dropped = errors.New("dropped") //nolint:staticcheck // ST1012: a named outcome of the contract, not a fault
	// ErrWouldBlock says that an Inline query met a stage that has to wait.
	ErrWouldBlock = errors.New("would block")
)

// Extended DNS Error codes (RFC 8914, section 4; IANA registry).
const (
	OtherError            uint16 = 0 // what has no code of its own; the text tells
	UnsupportedAlgorithm  uint16 = 1
	UnsupportedDigest     uint16 = 2
	StaleAnswer           uint16 = 3
	ForgedAnswer          uint16 = 4
	Indeterminate         uint16 = 5
	Bogus                 uint16 = 6
	SignatureExpired      uint16 = 7
	SignatureNotYetValid  uint16 = 8
	KeyMissing            uint16 = 9
	SignaturesMissing     uint16 = 10
	NoZoneKey             uint16 = 11
	DenialMissing         uint16 = 12
	CachedError           uint16 = 13
	NotReady              uint16 = 14
	Blocked               uint16 = 15
	Censored              uint16 = 16
	Filtered              uint16 = 17
	Prohibited            uint16 = 18
	StaleNXDomain         uint16 = 19
	NotAuthoritative      uint16 = 20
	NotSupported          uint16 = 21
	NoReachableAuthority  uint16 = 22
	NetworkError          uint16 = 23
	ExpiredBeforeValid    uint16 = 25
	TooEarly              uint16 = 26 // RFC 9250, section 8.3
	UnsupportedIterations uint16 = 27
	Synthesised           uint16 = 29 // made of denials that are kept (RFC 8198)
	InvalidQueryType      uint16 = 30 // RFC 9824, section 3.5
	NegativeTrustAnchor   uint16 = 33
)

// Failure is why no answer could be had, in the words of RFC 8914. The door
// answers SERVFAIL and passes Extended on.
type Failure struct {
	Extended []Extended
	Err      error
}

// Fail makes a Failure with one Extended DNS Error; its text is the reason.
func Fail(code uint16, format string, args ...any) *Failure {
	err := fmt.Errorf(format, args...)
	return &Failure{Extended: []Extended{{Code: code, Text: err.Error()}}, Err: err}
}

func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap gives the cause.
func (f *Failure) Unwrap() error { return f.Err }
