package notify_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	"net/mail"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/recourse-dns/recourse/redress/notify"
)

// post is a mail server, and what was delivered to it.
type post struct {
	server *smtp.Server
	port   uint16
	close  func()
	roots  *x509.CertPool

	refuse func(stage, what string) error // nil for all is well
	slow   chan struct{}                  // data is taken when it closes; nil for at once

	mu        sync.Mutex
	delivered []letter
	began     chan struct{} // one for each message whose data begins
}

// letter is one mail with its envelope.
type letter struct {
	from, to, data string
	user           string
	encrypted      bool
}

func newPost(t testing.TB, way notify.TLS) *post {
	t.Helper()
	p := &post{began: make(chan struct{}, 1000)}
	p.server = smtp.NewServer(p)
	p.server.ErrorLog = log.New(io.Discard, "", 0)
	p.server.Domain = "mail.example"
	certified := httptest.NewUnstartedServer(nil)
	certified.StartTLS()
	certified.Close()
	p.roots = x509.NewCertPool()
	p.roots.AddCert(certified.Certificate())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.port = listener.Addr().(*net.TCPAddr).AddrPort().Port()
	switch way {
	case notify.StartTLS:
		p.server.TLSConfig = &tls.Config{Certificates: certified.TLS.Certificates}
	case notify.Implicit:
		listener = tls.NewListener(listener, &tls.Config{Certificates: certified.TLS.Certificates})
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = p.server.Serve(listener) }()
	p.close = func() { p.server.Close(); listener.Close(); <-done }
	t.Cleanup(p.close)
	return p
}

// mailer writes to the server as a host whose certificate it has.
func (p *post) mailer(t testing.TB, way notify.TLS, change func(*notify.MailConfig)) *notify.Mailer {
	t.Helper()
	config := notify.MailConfig{Host: "example.com", Port: p.port, TLS: way, Roots: p.roots, From: "redress@isp.example", Name: "Example Nét"}
	if change != nil {
		change(&config)
	}
	mailer, err := notify.NewMailer(config, loopback{})
	if err != nil {
		t.Fatal(err)
	}
	return mailer
}

// loopback says that every host is this machine.
type loopback struct{}

func (loopback) Lookup(context.Context, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}, nil
}

func (p *post) letters() []letter {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.delivered)
}

func (p *post) NewSession(c *smtp.Conn) (smtp.Session, error) {
	_, encrypted := c.TLSConnectionState()
	return &session{post: p, letter: letter{encrypted: encrypted}}, nil
}

type session struct {
	post   *post
	letter letter
}

func (s *session) asked(stage, what string) error {
	if s.post.refuse == nil {
		return nil
	}
	return s.post.refuse(stage, what)
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.letter.from = from
	return s.asked("MAIL", from)
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.letter.to = to
	return s.asked("RCPT", to)
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.post.began <- struct{}{}
	if s.post.slow != nil {
		<-s.post.slow
	}
	s.letter.data = string(data)
	if err := s.asked("DATA", s.letter.data); err != nil {
		return err
	}
	s.post.mu.Lock()
	defer s.post.mu.Unlock()
	s.post.delivered = append(s.post.delivered, s.letter)
	return nil
}

func (s *session) Reset()                   {}
func (s *session) Logout() error            { return nil }
func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if password != "secret" {
			return smtp.ErrAuthFailed
		}
		s.letter.user = user
		return nil
	}), nil
}

func smtpError(code, a, b, c int) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{a, b, c}, Message: "not for clerk@court.example"}
}

func notice() *notify.Notice {
	return &notify.Notice{
		Address: "clerk@court.example", Kind: "order.echo", Message: "abc123",
		Subject: "Ordine n. 5 è in vigore", Body: "È in vigore.\n.\n.. due punti\n" + strings.Repeat("x", 1200) + "\n",
	}
}

func TestMailIsPlainTextFromAMachine(t *testing.T) {
	for _, way := range []notify.TLS{notify.StartTLS, notify.Implicit, notify.NoTLS} {
		post := newPost(t, way)
		if err := post.mailer(t, way, nil).Send(t.Context(), notice()); err != nil {
			t.Fatalf("%s: %v", way, err)
		}
		letters := post.letters()
		if len(letters) != 1 || letters[0].encrypted != (way == notify.StartTLS) && way != notify.Implicit {
			t.Fatalf("%s: delivered %+v", way, letters)
		}
		if letters[0].from != "redress@isp.example" || letters[0].to != "clerk@court.example" {
			t.Errorf("envelope from %q to %q", letters[0].from, letters[0].to)
		}
		read, err := mail.ReadMessage(strings.NewReader(letters[0].data))
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{
			"To": "<clerk@court.example>", "Message-Id": "<abc123@isp.example>", "Auto-Submitted": "auto-generated",
			"List-Id": "<order.notices.isp.example>", "Content-Type": "text/plain; charset=UTF-8", "Subject": "Ordine n. 5 è in vigore",
			"From": "Example Nét <redress@isp.example>",
		} {
			got, err := new(mime.WordDecoder).DecodeHeader(read.Header.Get(name))
			if err != nil || strings.ReplaceAll(got, `"`, "") != want {
				t.Errorf("%s: %q, %v; want %q", name, got, err, want)
			}
		}
		body, err := io.ReadAll(quotedprintable.NewReader(read.Body))
		if err != nil || strings.TrimRight(strings.ReplaceAll(string(body), "\r\n", "\n"), "\n") != strings.TrimRight(notice().Body, "\n") {
			t.Errorf("body %q, %v", body, err)
		}
	}
}

func TestMailGivesCredentialsOverTLSOnly(t *testing.T) {
	user := func(password string) func(*notify.MailConfig) {
		return func(c *notify.MailConfig) { c.User, c.Password = "redress", password }
	}
	post := newPost(t, notify.StartTLS)
	if err := post.mailer(t, notify.StartTLS, user("secret")).Send(t.Context(), notice()); err != nil {
		t.Fatal(err)
	}
	if got := post.letters()[0].user; got != "redress" {
		t.Errorf("signed in as %q", got)
	}
	wantFailure(t, post.mailer(t, notify.StartTLS, user("wrong")).Send(t.Context(), notice()), notify.FailedAuth, false)

	plain := newPost(t, notify.NoTLS)
	plain.server.AllowInsecureAuth = true
	if err := plain.mailer(t, notify.NoTLS, user("secret")).Send(t.Context(), notice()); err == nil {
		t.Error("the password was sent in the clear")
	}
}

func TestMailWantsTLSOfTheRightHost(t *testing.T) {
	post := newPost(t, notify.NoTLS) // offers no STARTTLS, as if somebody took it away
	wantFailure(t, post.mailer(t, notify.StartTLS, nil).Send(t.Context(), notice()), notify.FailedConnect, false)
	for _, way := range []notify.TLS{notify.StartTLS, notify.Implicit} {
		post := newPost(t, way)
		mailer := post.mailer(t, way, func(c *notify.MailConfig) { c.Host = "mail.other.example" })
		wantFailure(t, mailer.Send(t.Context(), notice()), notify.FailedConnect, false)
		if len(post.letters()) > 0 {
			t.Errorf("%s: delivered to a stranger", way)
		}
	}
}

func wantFailure(t testing.TB, err error, class notify.FailureClass, final bool) {
	t.Helper()
	var failure *notify.Failure
	if !errors.As(err, &failure) || failure.Class != class || failure.Final != final {
		t.Errorf("%#v; want %s, final %t", err, class, final)
		return
	}
	if strings.Contains(failure.Error(), "clerk") {
		t.Errorf("the failure names the recipient: %s", failure)
	}
}

func TestMailSortsRefusals(t *testing.T) {
	for _, test := range []struct {
		stage string
		code  int
		class notify.FailureClass
		final bool
	}{
		{"MAIL", 550, notify.FailedDeferred, false}, // of us, which the operator mends
		{"MAIL", 451, notify.FailedDeferred, false},
		{"MAIL", 530, notify.FailedAuth, false},
		{"RCPT", 550, notify.FailedRefused, true},
		{"RCPT", 450, notify.FailedDeferred, false},
		{"DATA", 554, notify.FailedRefused, true},
		{"DATA", 452, notify.FailedDeferred, false},
	} {
		post := newPost(t, notify.NoTLS)
		post.refuse = func(stage, _ string) error {
			if stage == test.stage {
				return smtpError(test.code, test.code/100, 1, 1)
			}
			return nil
		}
		t.Run(fmt.Sprint(test.stage, test.code), func(t *testing.T) {
			wantFailure(t, post.mailer(t, notify.NoTLS, nil).Send(t.Context(), notice()), test.class, test.final)
		})
	}
}

func TestMailToNobodyIsAFailureToConnect(t *testing.T) {
	post := newPost(t, notify.NoTLS)
	post.close()
	wantFailure(t, post.mailer(t, notify.NoTLS, nil).Send(t.Context(), notice()), notify.FailedConnect, false)
}

func TestMailIsBrokenOffInTime(t *testing.T) {
	post := newPost(t, notify.NoTLS)
	post.slow = make(chan struct{})
	defer close(post.slow)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-post.began; cancel() }()
	wantFailure(t, post.mailer(t, notify.NoTLS, nil).Send(ctx, notice()), notify.FailedTimeout, false)
}

// TestMailServersThatTalkNonsense: whatever a server says, an attempt ends, and nothing of
// it is taken for a delivery.
func TestMailServersThatTalkNonsense(t *testing.T) {
	for _, said := range []string{"", "\r\n", "220", "550 go away\r\n", strings.Repeat("220-x\r\n", 1000), strings.Repeat("x", 1<<20), "220 ok\r\n250 ok\r\n999 what\r\n"} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, said)
			_ = conn.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, conn)
		}()
		mailer, err := notify.NewMailer(notify.MailConfig{Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).AddrPort().Port(), TLS: notify.NoTLS, From: "redress@isp.example"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		if err := mailer.Send(ctx, notice()); err == nil {
			t.Errorf("%.20q: delivered", said)
		}
		cancel()
		listener.Close()
	}
}
