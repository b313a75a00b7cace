package notify_test

import (
	"bytes"
	"errors"
	"html"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/mail"
	"net/url"
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
		leave := "https://portal.example/watch/" + url.PathEscape(body)
		if len(leave) > 400 {
			leave = ""
		}
		to, err := notify.ParseAddress(address)
		if err != nil {
			return
		}
		mailer, err := notify.NewMailer(notify.MailConfig{Host: "127.0.0.1", Port: 25, TLS: notify.NoTLS, From: "redress@isp.example", Name: name}, nil)
		if err != nil {
			t.Fatal(err)
		}
		written, err := mailer.Written(&notify.Notice{Address: to, Kind: "order.echo", Message: "abc", Subject: subject, Body: body, HTML: "<p>" + html.EscapeString(body), Leave: leave})
		if err != nil {
			t.Fatalf("%q to %q: %v", subject, to, err)
		}
		read, err := mail.ReadMessage(bytes.NewReader(written))
		if err != nil {
			t.Fatalf("%q: %v", written, err)
		}
		want := []string{"Auto-Submitted", "Content-Type", "Date", "From", "List-Id", "Message-Id", "Mime-Version", "Subject", "To", "X-Auto-Response-Suppress"}
		if leave != "" {
			want = append(want, "List-Unsubscribe", "List-Unsubscribe-Post")
			slices.Sort(want)
		}
		if parts := partsOf(t, read); parts != "text/plain text/html" {
			t.Errorf("parts %s", parts)
		}
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

// partsOf are the types of a message's parts.
func partsOf(t *testing.T, message *mail.Message) string {
	t.Helper()
	kind, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("type %q, %v", kind, err)
	}
	var parts []string
	for reader := multipart.NewReader(message.Body, params["boundary"]); ; {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return strings.Join(parts, " ")
		}
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type"))
		parts = append(parts, kind)
	}
}

// FuzzReport: whatever is handed in as a report, it stays within its bounds.
func FuzzReport(f *testing.F) {
	f.Add([]byte(bounced))
	f.Add([]byte("Content-Type: multipart/report; boundary=a\n\n--a\nContent-Type: message/delivery-status\n\n\nAction: failed\nStatus: 5.1.1\n--a--"))
	f.Add([]byte("Content-Type: multipart/report; boundary=\"\"\n\n----"))
	f.Fuzz(func(t *testing.T, content []byte) {
		report, err := notify.ReadReport(content)
		if err != nil {
			return
		}
		if report.Message == "" || len(report.Message) > 200 || len(report.Status) > 11 || strings.ContainsAny(report.Message+report.Status, "\r\n <>@") {
			t.Errorf("%+v", report)
		}
	})
}
