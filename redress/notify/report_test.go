package notify_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress/notify"
)

// bounced is a report as mail servers write it; ID stands for what identifies the message.
const bounced = `Return-Path: <>
From: MAILER-DAEMON@mx.example.net
To: redress@isp.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain

Nobody of that name is here.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net
Arrival-Date: Thu, 26 Nov 2026 08:00:00 +0000

Final-Recipient: rfc822; clerk@court.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 unknown

--b1
Content-Type: text/rfc822-headers

From: redress@isp.example
To: clerk@court.example
Message-ID: <abcdefghijklmnop2345@isp.example>
Subject: Order 1

--b1--
`

func TestReadReport(t *testing.T) {
	if report, err := notify.ReadReport([]byte(bounced)); err != nil || report != (notify.Report{Message: "abcdefghijklmnop2345", Status: "5.1.1", Final: true}) {
		t.Errorf("%+v, %v", report, err)
	}
	crlf := strings.ReplaceAll(bounced, "\n", "\r\n")
	if report, err := notify.ReadReport([]byte(crlf)); err != nil || !report.Final {
		t.Errorf("%+v, %v", report, err)
	}
	late := strings.NewReplacer("failed", "delayed", "Status: 5.1.1", "Status: 4.4.7").Replace(bounced)
	if report, err := notify.ReadReport([]byte(late)); err != nil || report.Final || report.Status != "4.4.7" {
		t.Errorf("%+v, %v", report, err)
	}
	for _, other := range []string{
		"", "Subject: hello\n\nI am on holiday.", strings.Replace(bounced, "multipart/report", "multipart/mixed", 1), strings.Replace(bounced, "5.1.1\nDiag", "5.1.1 <x>\nDiag", 1),
		strings.Replace(bounced, "<abcdefghijklmnop2345@", "<other+id@", 1), strings.Replace(bounced, `; boundary="b1"`, "", 1), strings.Repeat("x", notify.MaxReport+1),
	} {
		if report, err := notify.ReadReport([]byte(other)); !errors.Is(err, notify.ErrNoReport) {
			t.Errorf("%.60q: %+v, %v", other, report, err)
		}
	}
}

func TestBounce(t *testing.T) {
	db := open(t)
	queue(t, db, echo("1"))
	var id string
	if err := db.QueryRowContext(t.Context(), `SELECT message FROM notices`).Scan(&id); err != nil {
		t.Fatal(err)
	}
	report, err := notify.ReadReport([]byte(strings.Replace(bounced, "abcdefghijklmnop2345", id, 1)))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		write(t, db, func(tx *store.Tx) error { return notify.Bounce(t.Context(), tx, report, time.Now()) })
	}
	var status string
	if err := db.QueryRowContext(t.Context(), `SELECT bounce FROM notices WHERE bounced_at IS NOT NULL`).Scan(&status); err != nil || status != "5.1.1" {
		t.Errorf("noted %q, %v", status, err)
	}
	report.Message = "qqqqqqqqqqqqqqqqqqqqqqqqqq"
	if err := db.Tx(t.Context(), func(tx *store.Tx) error { return notify.Bounce(t.Context(), tx, report, time.Now()) }); !errors.Is(err, notify.ErrNoReport) {
		t.Errorf("of a stranger's message: %v", err)
	}
}
