package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/redress/outbound"
)

// WebhookConfig is how webhooks are called.
type WebhookConfig struct {
	// Secrets sign each call, all of them, so that a receiver can change from one to the
	// next.
	Secrets [][]byte
	// Agent is who calls, for the header User-Agent.
	Agent string
	// Private are networks that are not public and may be called all the same.
	Private []netip.Prefix
	Roots   *x509.CertPool // nil for the system's
}

// Webhook calls webhooks in the manner of Standard Webhooks.
type Webhook struct {
	config WebhookConfig
	lookup Lookup
}

// NewWebhook makes a caller of webhooks.
func NewWebhook(config WebhookConfig, lookup Lookup) *Webhook {
	return &Webhook{config: config, lookup: lookup}
}

// Bounds of what a receiver may make us hold.
const (
	maxReply = 4 << 10
	replyIn  = 20 * time.Second
)

// ParseWebhook reads an address that may be called: HTTPS, or HTTP on this machine.
func ParseWebhook(text string) (*url.URL, error) {
	address, err := url.Parse(text)
	switch {
	case err != nil || address.Host == "" || address.Scheme != "https" && address.Scheme != "http":
		return nil, errors.New("not an https address, as https://noc.example.net/hook")
	case address.User != nil:
		return nil, errors.New("credentials do not belong in the address; calls are signed")
	case address.Scheme == "http" && !IsLocal(address.Hostname()):
		return nil, errors.New("plain http is for this machine only; write https")
	case address.Fragment != "":
		return nil, errors.New("a fragment is not sent")
	}
	return address, nil
}

// IsLocal says whether a host is this machine, by its name or address alone.
func IsLocal(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback() || strings.EqualFold(host, "localhost")
}

// call is the body of a call.
type call struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"` // of the event
	Data      struct {
		Subject string          `json:"subject"`
		Text    string          `json:"text"`
		Details json.RawMessage `json:"details,omitempty"`
	} `json:"data"`
}

// Send posts one notice.
func (w *Webhook) Send(ctx context.Context, notice *Notice) error {
	address, err := ParseWebhook(notice.Address)
	if err != nil {
		return &Failure{Class: FailedAddress, Cause: err.Error()}
	}
	body := call{Type: notice.Kind, Timestamp: notice.Queued}
	body.Data.Subject, body.Data.Text, body.Data.Details = notice.Subject, notice.Body, notice.Data
	encoded, err := json.Marshal(body)
	if err != nil {
		return &Failure{Class: FailedRefused, Final: true, Cause: "the message cannot be written: " + err.Error()}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address.String(), bytes.NewReader(encoded))
	if err != nil {
		return &Failure{Class: FailedAddress, Cause: "the address cannot be called"}
	}
	id, now := "msg_"+notice.Message, strconv.FormatInt(time.Now().Unix(), 10)
	for name, value := range map[string]string{
		"Content-Type": "application/json",
		"Webhook-Id":   id, "Webhook-Timestamp": now, "Webhook-Signature": w.sign(id, now, encoded),
	} {
		request.Header.Set(name, value)
	}
	return w.post(ctx, request)
}

// sign is one signature for each secret (Standard Webhooks, symmetric, version 1).
func (w *Webhook) sign(id, at string, body []byte) string {
	var all []string
	for _, secret := range w.config.Secrets {
		mac := hmac.New(sha256.New, secret)
		fmt.Fprintf(mac, "%s.%s.%s", id, at, body)
		all = append(all, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(all, " ")
}

func (w *Webhook) post(ctx context.Context, request *http.Request) error {
	reply, err := w.client(request.URL.Hostname()).Do(ctx, request)
	if err != nil {
		return failed(ctx, err)
	}
	return judge(reply)
}

// client is made for one call, as what it may connect to depends on the host.
func (w *Webhook) client(host string) *outbound.Client {
	allowed := slices.Clone(w.config.Private)
	if addr, err := netip.ParseAddr(host); err == nil { // the operator named it
		allowed = append(allowed, netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()))
	} else if IsLocal(host) {
		allowed = append(allowed, netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"))
	}
	config := outbound.Config{Agent: w.config.Agent, Patience: replyIn, MaxBody: maxReply, Discard: true, Roots: w.config.Roots}
	return outbound.New(config, outbound.NewDialer(hosts{w.lookup}, within(allowed)))
}

// judge says what a reply means.
func judge(reply *outbound.Reply) error {
	failure := &Failure{Class: FailedDeferred, Cause: "the receiver answered " + strconv.Itoa(reply.Status)}
	switch status := reply.Status; {
	case status/100 == 2:
		return nil
	case status/100 == 3:
		failure.Cause += "; redirections are not followed"
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		failure.Class = FailedAuth
	case status == http.StatusBadRequest || status == http.StatusRequestEntityTooLarge || status == http.StatusUnprocessableEntity:
		failure.Class, failure.Final = FailedRefused, true
	}
	if seconds, err := strconv.ParseUint(reply.Header.Get("Retry-After"), 10, 31); err == nil {
		failure.After = time.Duration(seconds) * time.Second
	}
	return failure
}

// Bounds of a secret of webhooks.
const (
	minSecret = 24
	maxSecret = 64
)

// ParseSecrets reads what a file of secrets holds: one a line, the newest first, as
// whsec_ and base64.
func ParseSecrets(content string) ([][]byte, error) {
	var secrets [][]byte
	for _, word := range strings.Fields(content) {
		encoded, found := strings.CutPrefix(word, "whsec_")
		secret, err := base64.StdEncoding.DecodeString(encoded)
		if !found || err != nil || len(secret) < minSecret || len(secret) > maxSecret {
			return nil, fmt.Errorf("holds what is no secret of webhooks: whsec_ and %d to %d octets in base64", minSecret, maxSecret)
		}
		secrets = append(secrets, secret)
	}
	if len(secrets) == 0 || len(secrets) > 4 {
		return nil, errors.New("holds no secret of webhooks, or more than four")
	}
	return secrets, nil
}
