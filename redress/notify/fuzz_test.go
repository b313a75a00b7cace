package notify_test

import (
	"bytes"
	"maps"
	"net/mail"
	"slices"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/redress/notify"
)

// FuzzMail: whatever a stranger gets into a subject, a text or the operator's name, the
// mail has the headers that we write and no others, and one recipient.
func FuzzMail(f *testing.F) {
	for _, seed := range []string{"Order", "x\r\nBcc: all@example.net", "x\n\nbody", "=?utf-8?q?=0D=0ABcc:_a@b?=", strings.Repeat("é ", 400), "\x00\u2028", "a\rTo: b@c.example", ".\r\n.\r\nDATA"} {
		f.Add(seed, seed, seed, "clerk@court.example")
		f.Add("Order", "Body.", "Net", seed)
	}
	f.Fuzz(func(t *testing.T, subject, body, name, address string) {
		to, err := notify.ParseAddress(address)
		if err != nil {
			return
		}
		mailer, err := notify.NewMailer(notify.MailConfig{Host: "127.0.0.1", Port: 25, TLS: notify.NoTLS, From: "redress@isp.example", Name: name}, nil)
		if err != nil {
			t.Fatal(err)
		}
		written, err := mailer.Written(&notify.Notice{Address: to, Kind: "order.echo", Message: "abc", Subject: subject, Body: body})
		if err != nil {
			t.Fatalf("%q to %q: %v", subject, to, err)
		}
		read, err := mail.ReadMessage(bytes.NewReader(written))
		if err != nil {
			t.Fatalf("%q: %v", written, err)
		}
		want := []string{"Auto-Submitted", "Content-Transfer-Encoding", "Content-Type", "Date", "From", "List-Id", "Message-Id", "Mime-Version", "Subject", "To", "X-Auto-Response-Suppress"}
		if got := slices.Sorted(maps.Keys(read.Header)); !slices.Equal(got, want) {
			t.Errorf("headers %q", got)
		}
		for header, values := range read.Header {
			if len(values) != 1 {
				t.Errorf("%s is there %d times", header, len(values))
			}
		}
		if sent, err := read.Header.AddressList("To"); err != nil || len(sent) != 1 || sent[0].Address != to {
			t.Errorf("to %v, %v; want %s", sent, err, to)
		}
		if from, err := read.Header.AddressList("From"); err != nil || len(from) != 1 || from[0].Address != "redress@isp.example" {
			t.Errorf("from %v, %v", from, err)
		}
	})
}
