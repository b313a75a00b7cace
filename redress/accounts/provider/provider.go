package provider

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/recourse-dns/recourse/redress"
)

// Config is what a provider obeys.
type Config struct {
	Issuer       string
	ClientID     string
	ClientSecret string
	// Redirect is the address of ours that the provider sends browsers back to.
	Redirect string
	Roles    Roles
	// Client asks the provider. Nil: one with bounds of time.
	Client *http.Client
}

// Roles is how the provider's words become roles.
type Roles struct {
	// Claim is where the words are, dotted: realm_access.roles.
	Claim string
	Map   map[string]redress.ActorRole
}

// Provider is where people are vouched for. Its methods may be called from several goroutines.
type Provider struct {
	config Config
	client *http.Client

	mu    sync.Mutex
	found *discovered // nil before the first time
}

// discovered is what the provider says of itself.
type discovered struct {
	provider *oidc.Provider
	oauth    oauth2.Config
	verifier *oidc.IDTokenVerifier
	saysWho  bool // RFC 9207
}

// New makes a provider. It asks nothing yet.
func New(config Config) *Provider {
	client := http.Client{Timeout: patience}
	if config.Client != nil {
		client = *config.Client
	}
	if client.Transport == nil {
		client.Transport = http.DefaultTransport
	}
	client.Transport = bounded{client.Transport}
	return &Provider{config: config, client: &client}
}

// The bounds of what the provider may take and say.
const (
	patience  = 10 * time.Second
	maxAnswer = 1 << 20
)

// bounded reads no more of an answer than is wanted.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	reply, err := b.next.RoundTrip(r)
	if err == nil {
		reply.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(reply.Body, maxAnswer), reply.Body}
	}
	return reply, err
}

func (p *Provider) discover(ctx context.Context) (*discovered, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	provider, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.client), p.config.Issuer) // the keys are fetched under it later
	if err != nil {
		return nil, fmt.Errorf("provider %s: %w", p.config.Issuer, err)
	}
	var more struct {
		SaysWho bool `json:"authorization_response_iss_parameter_supported"`
	}
	if err := provider.Claims(&more); err != nil {
		return nil, fmt.Errorf("provider %s: %w", p.config.Issuer, err)
	}
	p.found = &discovered{
		provider: provider, verifier: provider.Verifier(&oidc.Config{ClientID: p.config.ClientID}), saysWho: more.SaysWho,
		oauth: oauth2.Config{ClientID: p.config.ClientID, ClientSecret: p.config.ClientSecret, Endpoint: provider.Endpoint(), RedirectURL: p.config.Redirect, Scopes: []string{oidc.ScopeOpenID, "profile"}},
	}
	return p.found, nil
}

// Pending is a sign-in under way. The browser keeps it, sealed.
type Pending struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"`
	Again    bool      `json:"again,omitempty"` // the provider must ask anew
	Next     string    `json:"next,omitempty"`  // where to go afterwards
	At       time.Time `json:"at"`
}

// Term is how long a sign-in may be under way.
const Term = 10 * time.Minute

func word() string {
	octets := make([]byte, 32)
	_, _ = rand.Read(octets) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(octets)
}

// Begin gives the address to send a browser to. Again: also who is signed in there shows anew who they are.
func (p *Provider) Begin(ctx context.Context, again bool) (string, *Pending, error) {
	found, err := p.discover(ctx)
	if err != nil {
		return "", nil, err
	}
	pending := &Pending{State: word(), Nonce: word(), Verifier: oauth2.GenerateVerifier(), Again: again, At: time.Now().UTC()}
	options := []oauth2.AuthCodeOption{oidc.Nonce(pending.Nonce), oauth2.S256ChallengeOption(pending.Verifier)}
	if again {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	return found.oauth.AuthCodeURL(pending.State, options...), pending, nil
}

// Person is somebody whom the provider vouches for.
type Person struct {
	Issuer  string
	Subject string
	Name    string // as the provider has it; for the person's own eyes
	Role    redress.ActorRole
}

// Why nobody is let in.
var (
	ErrAnswer = errors.New("the provider's answer does not belong to this sign-in")
	ErrDenied = errors.New("the provider did not let you in")
	ErrRole   = errors.New("the provider gives you no role at this desk")
)

// Finish makes a person of what the browser brought back.
func (p *Provider) Finish(ctx context.Context, query url.Values, pending *Pending) (*Person, error) {
	found, err := p.discover(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.belongs(query, pending, found); err != nil {
		return nil, err
	}
	ctx = oidc.ClientContext(ctx, p.client)
	token, err := found.oauth.Exchange(ctx, query.Get("code"), oauth2.VerifierOption(pending.Verifier))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	raw, is := token.Extra("id_token").(string)
	if !is {
		return nil, fmt.Errorf("%w: without an ID token", ErrAnswer)
	}
	verified, err := found.verifier.Verify(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return p.person(verified, pending)
}

// belongs holds an answer to the sign-in that it says it is of.
func (p *Provider) belongs(query url.Values, pending *Pending, found *discovered) error {
	issuer := query.Get("iss")
	switch {
	case len(query["state"]) != 1 || subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(pending.State)) != 1:
		return fmt.Errorf("%w: another state", ErrAnswer)
	case time.Since(pending.At) > Term:
		return fmt.Errorf("%w: it took too long", ErrAnswer)
	case issuer != "" && issuer != p.config.Issuer, issuer == "" && found.saysWho:
		return fmt.Errorf("%w: another issuer", ErrAnswer)
	case query.Get("error") != "":
		return ErrDenied
	case query.Get("code") == "":
		return fmt.Errorf("%w: without a code", ErrAnswer)
	}
	return nil
}

func (p *Provider) person(token *oidc.IDToken, pending *Pending) (*Person, error) {
	var claims map[string]any
	if err := token.Claims(&claims); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(pending.Nonce)) != 1 {
		return nil, fmt.Errorf("%w: another nonce", ErrAnswer)
	}
	if party, said := claims["azp"].(string); (said || len(token.Audience) > 1) && party != p.config.ClientID {
		return nil, fmt.Errorf("%w: for another client", ErrAnswer)
	}
	if shown, is := claims["auth_time"].(float64); pending.Again && (!is || int64(shown) < pending.At.Add(-time.Minute).Unix()) {
		return nil, fmt.Errorf("%w: the provider did not ask anew", ErrAnswer)
	}
	role, is := p.config.Roles.of(claims)
	if !is {
		return nil, ErrRole
	}
	name, _ := claims["preferred_username"].(string)
	return &Person{Issuer: token.Issuer, Subject: token.Subject, Name: name, Role: role}, nil
}

// rank is which of several roles counts: the first that is there.
func rank() []redress.ActorRole {
	return []redress.ActorRole{redress.Operator, redress.SecondReviewer, redress.Reviewer, redress.Auditor, redress.Household}
}

// of gives the role of a person's claims.
func (r *Roles) of(claims map[string]any) (redress.ActorRole, bool) {
	var value any = claims
	for part := range strings.SplitSeq(r.Claim, ".") {
		within, is := value.(map[string]any)
		if !is {
			return "", false
		}
		value = within[part]
	}
	var has []redress.ActorRole
	for _, word := range words(value) {
		if role, known := r.Map[word]; known {
			has = append(has, role)
		}
	}
	for _, role := range rank() {
		if slices.Contains(has, role) {
			return role, true
		}
	}
	return "", false
}

// words are those of a claim that is a word or a list of them.
func words(value any) []string {
	switch typed := value.(type) {
	case string:
		return strings.Fields(typed)
	case []any:
		var found []string
		for _, one := range typed {
			if text, is := one.(string); is {
				found = append(found, text)
			}
		}
		return found
	}
	return nil
}
