package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
)

// Problem is what kept us from a reply, in one word.
type Problem string

// The problems.
const (
	NotPublic   Problem = "not_public"  // every address of the host is refused
	Unresolved  Problem = "unresolved"  // the host has no address
	Unreachable Problem = "unreachable" // no connection, no TLS, or it broke off
	Slow        Problem = "slow"        // not within the time
	TooLarge    Problem = "too_large"   // header or body
	Elsewhere   Problem = "elsewhere"   // a redirection to another host, scheme or port
	Circling    Problem = "circling"    // too many redirections
	Encoded     Problem = "encoded"     // compressed, which was not asked for
	Refused     Problem = "refused"     // an address that is not called: credentials, port, scheme
)

// Error is why there is no reply.
type Error struct {
	Problem Problem
	Host    string
	Err     error // more of it, for a log; may be nil
}

func (e *Error) Error() string {
	text := fmt.Sprintf("host %q: %s", e.Host, e.Problem)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives what is behind it.
func (e *Error) Unwrap() error { return e.Err }

// ProblemOf is the problem that an error stands for; empty for none of ours.
func ProblemOf(err error) Problem {
	if known, ok := errors.AsType[*Error](err); ok {
		return known.Problem
	}
	return ""
}

// explained makes an *Error of what HTTP or a socket said.
func explained(ctx context.Context, host string, err error) *Error {
	if known, ok := errors.AsType[*Error](err); ok {
		if ctx.Err() != nil && known.Problem == Unreachable {
			return &Error{Problem: Slow, Host: host, Err: err}
		}
		return known
	}
	network, ok := errors.AsType[net.Error](err)
	if ctx.Err() != nil || ok && network.Timeout() {
		return &Error{Problem: Slow, Host: host, Err: err}
	}
	return &Error{Problem: Unreachable, Host: host, Err: err}
}
