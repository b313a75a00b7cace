package notify

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"net/textproto"
	"regexp"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
)

// Bounds of a report.
const (
	MaxReport = 1 << 20
	maxParts  = 16
)

// ErrNoReport says that a message is no report of ours: what comes to a mailbox for returned
// mail is mostly something else.
var ErrNoReport = errors.New("not a report of the delivery of a message of ours (RFC 3464)")

// Report says that a message did not arrive, or is late (RFC 3464).
type Report struct {
	// Message is what identifies it: what stands before the @ of its Message-ID.
	Message string
	// Status is the code of RFC 3463, as 5.1.1.
	Status string
	// Final says that it will not arrive any more.
	Final bool
}

// The forms of what we look for. Whatever else a report says is a stranger's word.
var (
	statusForm  = regexp.MustCompile(`^[245]\.[0-9]{1,3}\.[0-9]{1,3}$`)
	messageForm = regexp.MustCompile(`^<([A-Za-z0-9]{16,40})@[^<>@\s]{1,253}>$`)
)

// ReadReport finds in a mail, as it came in, what it says about which message of ours.
func ReadReport(content []byte) (Report, error) {
	if len(content) > MaxReport {
		return Report{}, fmt.Errorf("a mail of more than %d octets: %w", MaxReport, ErrNoReport)
	}
	read, err := mail.ReadMessage(bytes.NewReader(content))
	if err != nil {
		return Report{}, ErrNoReport
	}
	kind, params, err := mime.ParseMediaType(read.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/report" || params["boundary"] == "" {
		return Report{}, ErrNoReport
	}
	var report Report
	parts := multipart.NewReader(read.Body, params["boundary"])
	for range maxParts {
		part, err := parts.NextRawPart()
		if err != nil {
			break // the end, or what cannot be read
		}
		report.take(part)
	}
	if report.Message == "" || report.Status == "" {
		return Report{}, ErrNoReport
	}
	return report, nil
}

// take reads what one part has for us.
func (r *Report) take(part *multipart.Part) {
	kind, _, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
	if err != nil {
		return
	}
	fields := textproto.NewReader(bufio.NewReader(io.LimitReader(part, MaxReport)))
	switch kind {
	case "message/delivery-status", "message/global-delivery-status":
		for range maxParts { // the fields of the message, and then those of each recipient
			group, err := fields.ReadMIMEHeader()
			if status := strings.TrimSpace(group.Get("Status")); statusForm.MatchString(status) && r.Status == "" {
				r.Status = status
				r.Final = strings.EqualFold(strings.TrimSpace(group.Get("Action")), "failed") && status[0] == '5'
			}
			if err != nil {
				return
			}
		}
	case "message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers":
		original, _ := fields.ReadMIMEHeader() // as far as it could be read
		if match := messageForm.FindStringSubmatch(strings.TrimSpace(original.Get("Message-Id"))); match != nil {
			r.Message = match[1]
		}
	}
}

// Bounce notes a report on the message that it is of. That one which was not sent by us, or
// too long ago, is reported is an [ErrNoReport].
func Bounce(ctx context.Context, tx *store.Tx, report Report, now time.Time) error {
	if !report.Final {
		return nil // it is late, and may still arrive
	}
	err := one(tx.ExecContext(ctx, `UPDATE notices SET bounced_at = coalesce(bounced_at, ?), bounce = ? WHERE message = ? AND channel = 'mail'`,
		now.UnixMicro(), report.Status, report.Message))
	if errors.Is(err, ErrNoNotice) {
		return ErrNoReport
	}
	if err != nil {
		return fmt.Errorf("note returned mail: %w", err)
	}
	return nil
}
