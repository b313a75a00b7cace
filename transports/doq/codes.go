package doq

import "github.com/recourse-dns/recourse/transports/overquic"

// The error codes (RFC 9250, sections 4.3 and 8.4).
const (
	codeNone        = 0
	codeInternal    = 1
	codeProtocol    = 2
	codeCancelled   = 3
	codeLoad        = 4
	codeUnspecified = 5
)

// violation is an error of the client's after which the connection cannot go on (section 4.3.3).
func violation(reason string) *overquic.Fault {
	return &overquic.Fault{Code: codeProtocol, Reason: reason, Fatal: true}
}
