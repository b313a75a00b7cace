package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/textproto"
	"strings"

	"github.com/wneessen/go-mail"

	"github.com/recourse-dns/recourse/redress/outbound"
)

// TLS is how the way to the mail server is protected.
type TLS string

// The ways.
const (
	StartTLS TLS = "starttls" // required, with a certificate for the host
	Implicit TLS = "implicit" // TLS from the first octet
	NoTLS    TLS = "off"      // on this machine only
)

// MailConfig is how mail leaves.
type MailConfig struct {
	Host     string // of the operator's mail server
	Port     uint16
	TLS      TLS
	Roots    *x509.CertPool // nil for the system's
	User     string         // empty: no credentials are given
	Password string
	From     string // a mailbox
	Name     string // who writes: the operator
}

// Mailer sends mail through the operator's server.
type Mailer struct {
	config MailConfig
	dialer *outbound.Dialer
}

// NewMailer makes a mailer. It connects to nobody yet.
func NewMailer(config MailConfig, lookup Lookup) (*Mailer, error) {
	m := &Mailer{config: config, dialer: outbound.NewDialer(hosts{lookup}, anyAddress)}
	if _, err := m.client(m.dial); err != nil {
		return nil, err
	}
	return m, nil
}

// client is of one attempt.
func (m *Mailer) client(dial mail.DialContextFunc) (*mail.Client, error) {
	options := []mail.Option{
		mail.WithPort(int(m.config.Port)), mail.WithTimeout(attemptTime), mail.WithTLSConfig(m.tls()),
		mail.WithDialContextFunc(dial), mail.WithoutSMTPUTF8(), mail.WithoutNoop(), mail.WithTLSPolicy(mail.NoTLS),
	}
	switch m.config.TLS {
	case StartTLS:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	case Implicit:
		options = append(options, mail.WithSSL()) // dial makes the connection; this says that it is one over TLS
	case NoTLS:
	default:
		return nil, fmt.Errorf("mail: %q is no way to protect a connection", m.config.TLS)
	}
	if m.config.User != "" {
		options = append(options, mail.WithUsername(m.config.User), mail.WithPassword(m.config.Password), mail.WithOpportunisticSMTPAuth(m.mechanisms()...))
	}
	client, err := mail.NewClient(m.config.Host, options...)
	if err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	return client, nil
}

// mechanisms are the ways to prove who we are, the best first. Where nothing is encrypted
// the password itself is not sent.
func (m *Mailer) mechanisms() []mail.SMTPAuthType {
	safe := []mail.SMTPAuthType{mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthSCRAMSHA1, mail.SMTPAuthCramMD5}
	if m.config.TLS == NoTLS {
		return safe
	}
	return append(safe, mail.SMTPAuthPlain, mail.SMTPAuthLogin)
}

func (m *Mailer) tls() *tls.Config {
	return &tls.Config{ServerName: m.config.Host, RootCAs: m.config.Roots, MinVersion: tls.VersionTLS12}
}

// dial connects to the server, over TLS where that comes first.
func (m *Mailer) dial(ctx context.Context, _, address string) (net.Conn, error) {
	conn, err := m.dialer.Dial(ctx, address)
	if err != nil || m.config.TLS != Implicit {
		return conn, err
	}
	encrypted := tls.Client(conn, m.tls())
	if err := encrypted.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return encrypted, nil
}

// Send hands one notice to the server. The connection is this attempt's and ends with it:
// nothing goes on behind our back when the attempt is broken off.
func (m *Mailer) Send(ctx context.Context, notice *Notice) error {
	message, err := m.message(notice)
	if err != nil {
		return &Failure{Class: FailedRefused, Final: true, Cause: "the message cannot be written: " + err.Error()}
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	client, err := m.client(func(dialling context.Context, network, address string) (net.Conn, error) {
		conn, err := m.dial(dialling, network, address)
		if err == nil {
			context.AfterFunc(ctx, func() { _ = conn.Close() }) // what it was doing then fails, and is told
		}
		return conn, err
	})
	if err != nil {
		return &Failure{Class: FailedConnect, Cause: err.Error()}
	}
	connection, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return failed(ctx, mailFailure(err, "before the message"))
	}
	err = client.SendWithSMTPClient(connection, message)
	_ = client.CloseWithSMTPClient(connection) // the server has the message, or it has not; a farewell changes nothing
	if err == nil || message.IsDelivered() {
		return nil
	}
	return failed(ctx, mailFailure(err, "at the message"))
}

// message makes a mail of a notice: text, with its twin in HTML where there is one, from a machine.
func (m *Mailer) message(notice *Notice) (*mail.Msg, error) {
	message := mail.NewMsg(mail.WithCharset(mail.CharsetUTF8), mail.WithEncoding(mail.EncodingQP), mail.WithNoDefaultUserAgent())
	message.FromMailAddress(&netmail.Address{Name: line(unquoted.Replace(m.config.Name)), Address: m.config.From})
	if err := message.To(notice.Address); err != nil {
		return nil, errors.New("an address cannot be used") // the error names it
	}
	_, domain, _ := strings.Cut(m.config.From, "@")
	sort, _, _ := strings.Cut(notice.Kind, ".")
	message.Subject(line(notice.Subject))
	message.SetDate()
	message.SetMessageIDWithValue(notice.Message + "@" + domain)
	message.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nobody's holiday message answers
	message.SetGenHeader("X-Auto-Response-Suppress", "All")  // the same for Exchange
	message.SetGenHeader("List-Id", fmt.Sprintf("<%s.notices.%s>", sort, domain))
	if notice.Leave != "" && checkLeave(notice.Leave) == nil {
		message.SetGenHeader("List-Unsubscribe", "<"+notice.Leave+">")
		message.SetGenHeader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click") // RFC 8058
	}
	message.SetBodyString(mail.TypeTextPlain, text(notice.Body))
	if notice.HTML != "" {
		message.AddAlternativeString(mail.TypeTextHTML, text(notice.HTML))
	}
	return message, nil
}

// unquoted takes out of a name what quotes: encoded names with it are read in several ways.
var unquoted = strings.NewReplacer("\\", " ", "\"", " ")

// mailFailure sorts what a server said. Its words are left out: they repeat the recipient.
func mailFailure(err error, when string) error {
	var (
		sending *mail.SendError
		said    *textproto.Error
		code    int
	)
	if errors.As(err, &said) {
		code = said.Code
	}
	if errors.As(err, &sending) {
		if sending.ErrorCode() != 0 {
			code = sending.ErrorCode()
		}
		when = sending.Reason.String()
	}
	cause := fmt.Sprintf("%s: the server said %d", when, code)
	switch {
	case code == 0 && sending != nil:
		return &Failure{Class: FailedConnect, Cause: when + ": the connection broke off"}
	case code == 0:
		return err
	case code/10 == 53 && sending == nil, code == 530, code == 534, code == 535, code == 538, code == 454:
		return &Failure{Class: FailedAuth, Cause: cause}
	case code/100 == 5 && sending != nil && aboutMessage(sending.Reason):
		return &Failure{Class: FailedRefused, Final: true, Cause: cause}
	}
	return &Failure{Class: FailedDeferred, Cause: cause}
}

// aboutMessage says whether a refusal there is of this recipient or this message, rather
// than of us, which the operator can mend.
func aboutMessage(reason mail.SendErrReason) bool {
	return reason == mail.ErrSMTPRcptTo || reason == mail.ErrSMTPData || reason == mail.ErrSMTPDataClose
}
