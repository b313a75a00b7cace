package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// mailServer takes mail and hands it to the test, which says whether it is taken.
type mailServer struct {
	address string
	letters chan letter
}

type letter struct {
	to, id, subject string
	answer          chan error // the server's, to whoever sends
}

func newMailServer(t *testing.T) *mailServer {
	t.Helper()
	made := &mailServer{letters: make(chan letter)}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &mailSession{server: made, done: t.Context().Done()}, nil
	}))
	server.ErrorLog = log.New(io.Discard, "", 0)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	made.address = listener.Addr().String()
	go server.Serve(listener)
	t.Cleanup(func() { server.Close(); listener.Close() })
	return made
}

type mailSession struct {
	server *mailServer
	done   <-chan struct{}
	to     string
}

func (s *mailSession) Mail(string, *smtp.MailOptions) error      { return nil }
func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error { s.to = to; return nil }
func (s *mailSession) Reset()                                    {}
func (s *mailSession) Logout() error                             { return nil }

func (s *mailSession) Data(r io.Reader) error {
	read, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	one := letter{to: s.to, id: read.Header.Get("Message-Id"), subject: read.Header.Get("Subject"), answer: make(chan error)}
	select {
	case s.server.letters <- one:
		return <-one.answer
	case <-s.done:
		return smtp.ErrServerClosed
	}
}

// wait is the next letter.
func (m *mailServer) wait(t *testing.T) letter {
	t.Helper()
	select {
	case one := <-m.letters:
		return one
	case <-time.After(30 * time.Second):
		t.Fatal("no mail came")
		return letter{}
	}
}

// take takes the next letter.
func (m *mailServer) take(t *testing.T) letter {
	t.Helper()
	one := m.wait(t)
	one.answer <- nil
	return one
}

// onCallFiles hold four names of a list, and say who is on call.
func onCallFiles(t *testing.T, smtp, webhook string) map[string]string {
	files := guardedFiles(upstream(t))
	files["recourse.yaml"] = strings.Replace(files["recourse.yaml"], "desk: {", fmt.Sprintf("on_call: {mail: noc@isp.example, webhook: %q}\ndesk: {mail: {smtp: %q, from: redress@isp.example}, ", webhook, smtp), 1)
	return files
}

// TestAlarmsReachWhoeverIsOnCall goes from a hold to its end, with a restart.
func TestAlarmsReachWhoeverIsOnCall(t *testing.T) {
	t.Parallel()
	post := newMailServer(t)
	calls := make(chan *http.Request, 10)
	bodies := make(chan string, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		calls <- r
		bodies <- string(body)
	}))
	defer hook.Close()
	directory := write(t, onCallFiles(t, post.address, hook.URL+"/hook"))
	const config = "--config=recourse.yaml"
	s := start(t, directory, config)
	if got := post.take(t); got.to != "noc@isp.example" || got.subject != "List phishing: 2 entries are held and wait for people" {
		t.Errorf("mail %+v", got)
	}
	checkSignature(t, directory, <-calls, <-bodies)

	wantText(t, recourse(t, directory, 0, "alarms", "list", config), "1  since ", "not acknowledged", "List phishing: 2 entries are held")
	wantText(t, recourse(t, directory, 0, "alarms", "ack", "1", "--by=Ada Example", config), "alarm 1 is acknowledged by Ada Example")
	wantText(t, recourse(t, directory, 0, "alarms", "list", config), "acknowledged by Ada Example at ")
	wantText(t, recourse(t, directory, 1, "alarms", "ack", "7", config), "no such alarm")
	wantText(t, recourse(t, directory, 0, "notices", "list", config), "every message has arrived")
	_, metrics := s.page(s.metrics)
	wantText(t, metrics, `recourse_notices_attempts_total{channel="mail",outcome="sent"} 1`, `recourse_notices_waiting{channel="webhook"} 0`)
	s.stop()

	// On a stopped server the commands work too, and what they begin is told at the next start.
	if err := os.WriteFile(filepath.Join(directory, "lists", "phishing.hosts"), []byte("0.0.0.0 phish.example rare.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantText(t, recourse(t, directory, 0, "alarms", "list", config), "List phishing")
	s = start(t, directory, config)
	if got := post.take(t); got.subject != "Ended: List phishing: 2 entries are held and wait for people" {
		t.Errorf("mail %+v", got)
	}
	wantText(t, recourse(t, directory, 0, "alarms", "list", config), "there is no alarm")
	s.stop()
	if strings.Contains(s.stderr.String(), "noc@") {
		t.Errorf("an address is in the log:\n%s", s.stderr)
	}
}

// checkSignature does what a receiver does.
func checkSignature(t *testing.T, directory string, call *http.Request, body string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(directory, "state", "webhook.secret"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(strings.TrimSpace(string(content)), "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", call.Header.Get("webhook-id"), call.Header.Get("webhook-timestamp"), body)
	if got, want := call.Header.Get("webhook-signature"), "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)); got != want {
		t.Errorf("signed %q, want %q", got, want)
	}
	var said struct {
		Type string
		Data struct{ Details struct{ Source, Key string } }
	}
	if err := json.Unmarshal([]byte(body), &said); err != nil || said.Type != "alarm.begin" || said.Data.Details.Key != "phishing/held" {
		t.Errorf("called with %s: %v", body, err)
	}
}

// TestKillingLosesNoNotice: however often the power fails, in the middle of a delivery or
// right behind it, the message arrives, under the one identifier that it had from the start.
func TestKillingLosesNoNotice(t *testing.T) {
	t.Parallel()
	post := newMailServer(t)
	files := onCallFiles(t, post.address, "")
	files["recourse.yaml"] = strings.Replace(files["recourse.yaml"], `, webhook: ""`, "", 1)
	directory := write(t, files)
	ids := map[string]int{}
	for round := range 5 {
		s := start(t, directory, "--config=recourse.yaml")
		one := post.wait(t)
		ids[one.id]++
		if round%2 == 0 {
			s.kill() // before the answer
			one.answer <- nil
			continue
		}
		one.answer <- smtp.ErrAuthRequired
		s.kill()
	}
	if len(ids) != 1 {
		t.Errorf("one message had the identifiers %v", ids)
	}
	s := start(t, directory, "--config=recourse.yaml")
	one := post.take(t)
	if ids[one.id] == 0 {
		t.Errorf("in the end it arrived as %s", one.id)
	}
	s.stop()
}
