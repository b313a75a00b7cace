package notify_test

import (
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/policy/store/storetest"
	"github.com/recourse-dns/recourse/redress/notify"
)

var quiet = slog.New(slog.DiscardHandler)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

func open(t testing.TB) *store.DB { return storetest.Open(t) }

func write(t testing.TB, db *store.DB, do func(tx *store.Tx) error) {
	t.Helper()
	if err := db.Tx(t.Context(), do); err != nil {
		t.Fatal(err)
	}
}

// waiting is channel, kind and subject of what waits, as it was queued.
func waiting(t testing.TB, db *store.DB) []string {
	t.Helper()
	var found []string
	err := store.Each(t.Context(), db, func(rows *sql.Rows) error {
		var channel, duty, kind, subject string
		err := rows.Scan(&channel, &duty, &kind, &subject)
		found = append(found, strings.TrimSpace(duty+" "+channel)+": "+kind+": "+subject)
		return err
	}, `SELECT channel, duty, kind, subject FROM notices WHERE state = 'waiting' ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func same(t testing.TB, got []string, want ...string) {
	t.Helper()
	if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func echo(key string) notify.Message {
	return notify.Message{To: notify.Mail("clerk@court.example"), Kind: "order.echo", Subject: "Order " + key, Body: "Accepted.", Key: key}
}

func TestQueueIsOfItsTransaction(t *testing.T) {
	db := open(t)
	wake := db.Changed(notify.Topic)
	failed := errors.New("the event does not hold")
	err := db.Tx(t.Context(), func(tx *store.Tx) error {
		return errors.Join(notify.Queue(t.Context(), tx, echo("1")), failed)
	})
	if !errors.Is(err, failed) {
		t.Fatal(err)
	}
	same(t, waiting(t, db))
	select {
	case <-wake:
		t.Fatal("what was rolled back woke the worker")
	default:
	}
	write(t, db, func(tx *store.Tx) error { return notify.Queue(t.Context(), tx, echo("1")) })
	same(t, waiting(t, db), "mail: order.echo: Order 1")
	<-wake
}

func TestQueueTellsAKeyOnce(t *testing.T) {
	db := open(t)
	for range 2 {
		write(t, db, func(tx *store.Tx) error { return notify.Queue(t.Context(), tx, echo("1")) })
	}
	same(t, waiting(t, db), "mail: order.echo: Order 1")
	write(t, db, func(tx *store.Tx) error {
		return errors.Join(notify.Withdraw(t.Context(), tx, "1"), notify.QueueFor(t.Context(), tx, echo("2"), time.Now().Add(time.Hour)))
	})
	same(t, waiting(t, db), "mail: order.echo: Order 2")
}

func TestQueueRefuses(t *testing.T) {
	db := open(t)
	for name, spoil := range map[string]func(*notify.Message){
		"no key":           func(m *notify.Message) { m.Key = "" },
		"a long key":       func(m *notify.Message) { m.Key = strings.Repeat("k", 251) },
		"a kind in words":  func(m *notify.Message) { m.Kind = "Order echo" },
		"nobody":           func(m *notify.Message) { m.To = notify.Mail("") },
		"two mailboxes":    func(m *notify.Message) { m.To = notify.Mail("a@court.example,b@court.example") },
		"a second command": func(m *notify.Message) { m.To = notify.Mail("a@court.example>\r\nDATA") },
		"data of no JSON":  func(m *notify.Message) { m.Data = func() {} },
		"too much data":    func(m *notify.Message) { m.Data = strings.Repeat("x", 64<<10) },
	} {
		message := echo("1")
		spoil(&message)
		if err := db.Tx(t.Context(), func(tx *store.Tx) error { return notify.Queue(t.Context(), tx, message) }); err == nil {
			t.Errorf("%s: was queued", name)
		}
	}
	same(t, waiting(t, db))
}

func TestQueueMakesTextsHarmless(t *testing.T) {
	db := open(t)
	message := echo("1")
	message.Subject = "Order\r\nBcc: all@example.net\x00\u2028\u202e " + strings.Repeat("é", 300)
	message.Body = "one\r\ntwo\rthree\x00\u202e\xff" + strings.Repeat("é", 200<<10)
	write(t, db, func(tx *store.Tx) error { return notify.Queue(t.Context(), tx, message) })
	queued, err := notify.Outbox(t.Context(), db)
	if err != nil || len(queued) != 1 {
		t.Fatal(queued, err)
	}
	subject, body := queued[0].Subject, queued[0].Body
	if want := "Order Bcc: all@example.net é"; !strings.HasPrefix(subject, want) || len([]rune(subject)) != 200 || !strings.HasSuffix(subject, "…") {
		t.Errorf("subject %q", subject)
	}
	if want := "one\ntwo\nthree\uFFFDé"; !strings.HasPrefix(body, want) || len(body) > 257<<10 || !strings.HasSuffix(body, "[The text was longer and is cut here.]\n") {
		t.Errorf("body of %d octets: %q … %q", len(body), body[:40], body[len(body)-60:])
	}
}

func TestParseAddress(t *testing.T) {
	for address, want := range map[string]string{
		"noc@isp.example":           "noc@isp.example",
		"No.C+x@ISP.Example":        "No.C+x@isp.example",
		"a@bücher.example":          "a@xn--bcher-kva.example",
		"root@localhost":            "root@localhost",
		"noc":                       "",
		"@isp.example":              "",
		"noc@":                      "",
		"noc@isp":                   "",
		"noc@isp.example.":          "",
		"noc@[192.0.2.1]":           "",
		"NOC <noc@isp.example>":     "",
		"\"a b\"@isp.example":       "",
		"a..b@isp.example":          "",
		"é@isp.example":             "",
		"noc@isp.example\r\nBcc: x": "",
		"noc@.example":              "",
		"noc@a..example":            "",
		"noc@a_b.example":           "",
		"noc@" + strings.Repeat("a.", 200) + "example": "",
		strings.Repeat("a", 65) + "@isp.example":       "",
	} {
		got, err := notify.ParseAddress(address)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", address, got, err, want)
		}
	}
}

func sorted(lines []string) []string {
	slices.Sort(lines)
	return lines
}
