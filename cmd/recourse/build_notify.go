package main

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress/notify"
)

// notices is how this node tells people of things.
type notices struct {
	database *store.DB
	worker   *notify.Worker
	lookup   notify.Lookup
	routes   atomic.Pointer[notify.Routes]
}

// makeNotices reads where notices go. They leave once [node.startLeading] is called, which
// commands that only write them do not.
func (n *node) makeNotices(database *store.DB, resolved *resolution, counts *metrics) error {
	made := &notices{database: database, lookup: hosts{resolved.unfiltered}}
	routes, err := n.config.routes(made.lookup)
	if err != nil {
		return err
	}
	made.routes.Store(&routes)
	made.worker = notify.NewWorker(database, func() notify.Routes { return *made.routes.Load() }, n.logger)
	counts.watchNotices(made.worker)
	n.notices = made
	return nil
}

// alone is work that one process of a shared database does: the one that leads.
func (n *node) alone(run func(context.Context)) { n.led = append(n.led, run) }

// startLeading joins the other processes of the database, and does what one alone has to do
// while this one leads. Commands, which start no doors, never do.
func (n *node) startLeading(ctx context.Context) {
	n.alone(n.notices.worker.Run)
	n.background(ctx, func(ctx context.Context) {
		n.notices.database.Join(ctx, func(ctx context.Context) {
			var all sync.WaitGroup
			for _, run := range n.led {
				all.Go(func() { run(ctx) })
			}
			all.Wait()
		}, n.logger)
	})
}

// reloadNotices puts the routes of another configuration in force.
func (n *node) reloadNotices(config *Config) {
	routes, err := config.routes(n.notices.lookup)
	if err != nil {
		n.logger.Error("where notices go was not read again; the old routes stay", "error", err)
		return
	}
	n.notices.routes.Store(&routes)
}

// routes is where notices go.
func (c *Config) routes(lookup notify.Lookup) (notify.Routes, error) {
	routes := notify.Routes{
		OnCall:     notify.Contact{Mail: c.OnCall.Mail, Webhook: c.OnCall.Webhook},
		Escalation: notify.Contact(c.OnCall.EscalateTo),
	}
	if c.Desk.Mail.SMTP != "" {
		mailer, err := c.mailer(lookup)
		if err != nil {
			return routes, fmt.Errorf("desk.mail: %w", err)
		}
		routes.Mail = mailer
	}
	if c.OnCall.Webhooks() {
		secrets, err := c.webhookSecrets()
		if err != nil {
			return routes, fmt.Errorf("secret of webhooks: %w", err)
		}
		routes.Webhook = notify.NewWebhook(notify.WebhookConfig{Secrets: secrets, Agent: agent(), Private: c.OnCall.PrivateAddresses}, lookup)
	}
	return routes, nil
}

func (c *Config) mailer(lookup notify.Lookup) (*notify.Mailer, error) {
	host, port, err := splitServer(c.Desk.Mail.SMTP)
	if err != nil {
		return nil, err
	}
	from, err := notify.ParseAddress(c.Desk.Mail.From)
	if err != nil {
		return nil, err
	}
	made := notify.MailConfig{Host: host, Port: port, TLS: mailTLS(&c.Desk.Mail, host, port), From: from, Name: c.Operator.Name, User: c.Desk.Mail.User}
	if made.Roots, err = c.mailRoots(); err != nil {
		return nil, err
	}
	if made.User != "" {
		if made.Password, err = c.mailPassword(); err != nil {
			return nil, err
		}
	}
	return notify.NewMailer(made, lookup)
}

// splitServer reads host:port.
func splitServer(text string) (host string, port uint16, err error) {
	host, digits, err := net.SplitHostPort(text)
	if err != nil || host == "" {
		return "", 0, errors.New("is not host:port, as smtp.example.net:587")
	}
	number, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || number == 0 {
		return "", 0, errors.New("has no port number, as smtp.example.net:587")
	}
	return host, uint16(number), nil
}

// submissions is the port of mail over TLS from the first octet (RFC 8314).
const submissions = 465

// mailTLS is how the way to the mail server is protected where the file does not say.
func mailTLS(config *notify.SMTPConfig, host string, port uint16) notify.TLS {
	switch {
	case config.TLS != "":
		return config.TLS
	case port == submissions:
		return notify.Implicit
	case notify.IsLocal(host):
		return notify.NoTLS
	}
	return notify.StartTLS
}

// mailRoots are the authorities of the system and those of the file; nil for the system's alone.
func (c *Config) mailRoots() (*x509.CertPool, error) {
	if c.Desk.Mail.CA == "" {
		return nil, nil //nolint:nilnil // as crypto/tls has it
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	pem, err := readSmall(c.File(c.Desk.Mail.CA), 1<<20)
	if err != nil {
		return nil, err
	}
	if !roots.AppendCertsFromPEM([]byte(pem)) {
		return nil, errors.New("holds no certificate in PEM")
	}
	return roots, nil
}

func (c *Config) mailPassword() (string, error) {
	content, err := readSmall(c.File(c.Desk.Mail.PasswordFile), maxSecret)
	if err != nil {
		return "", err
	}
	password := strings.TrimRight(content, "\r\n")
	if password == "" || strings.ContainsAny(password, "\r\n\x00") {
		return "", errors.New("holds no password in one line")
	}
	return password, nil
}

// readSmall reads a file of at most so many octets.
func readSmall(path string, most int64) (string, error) {
	file, err := openFile(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }() // read only: nothing is lost
	content, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && int64(len(content)) > most {
		err = fmt.Errorf("holds more than %d octets", most)
	}
	return string(content), err
}

// webhookSecrets reads the secrets, and makes one where the configuration names no file.
func (c *Config) webhookSecrets() ([][]byte, error) {
	path := filepath.Join(c.StateDir(), webhookFile)
	if c.OnCall.WebhookSecretFile != "" {
		path = c.File(c.OnCall.WebhookSecretFile)
	}
	content, err := readSmall(path, maxSecret)
	if errors.Is(err, fs.ErrNotExist) && c.OnCall.WebhookSecretFile == "" {
		secret := make([]byte, 32)
		_, _ = rand.Read(secret) // never fails (crypto/rand)
		content = "whsec_" + base64.StdEncoding.EncodeToString(secret) + "\n"
		if err = os.MkdirAll(c.StateDir(), 0o700); err == nil {
			err = writeSecret(path, []byte(content))
		}
	}
	if err != nil {
		return nil, err
	}
	return notify.ParseSecrets(content)
}
