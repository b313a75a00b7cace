package tlsconf

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/mholt/acmez/v3/acme"
	"github.com/miekg/dns"
)

// Update is where records are put by dynamic update (RFC 2136).
type Update struct {
	Server netip.AddrPort // the primary of the zone
	Zone   string         // found by asking the server where empty
	Wait   time.Duration  // until the secondaries have it too
	// KeyName, Algorithm and Secret (in base64) are of the TSIG key that both sides
	// know (RFC 8945); without a name updates are not signed.
	KeyName, Algorithm, Secret string
}

// solver answers the challenge dns-01. It implements acmez.Solver and acmez.Waiter.
type solver struct {
	update Update
}

const (
	updateTime = 10 * time.Second
	updateTTL  = 60
)

// Present adds the record.
func (s *solver) Present(ctx context.Context, challenge acme.Challenge) error {
	return s.change(ctx, challenge, (*dns.Msg).Insert)
}

// CleanUp takes away the one that Present added, and no other at its name.
func (s *solver) CleanUp(ctx context.Context, challenge acme.Challenge) error {
	return s.change(ctx, challenge, (*dns.Msg).Remove)
}

// Wait lets the secondaries follow; an authority asks any of them.
func (s *solver) Wait(ctx context.Context, _ acme.Challenge) error {
	timer := time.NewTimer(s.update.Wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *solver) change(ctx context.Context, challenge acme.Challenge, how func(*dns.Msg, []dns.RR)) error {
	name := dns.Fqdn(challenge.DNS01TXTRecordName())
	zone, err := s.zone(ctx, name)
	if err != nil {
		return err
	}
	message := new(dns.Msg).SetUpdate(zone)
	how(message, []dns.RR{&dns.TXT{
		Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: updateTTL},
		Txt: []string{challenge.DNS01KeyAuthorization()},
	}})
	reply, err := s.exchange(ctx, message)
	switch {
	case err != nil:
		return fmt.Errorf("update of %s at %s: %w", zone, s.update.Server, err)
	case reply.Rcode != dns.RcodeSuccess:
		return fmt.Errorf("update of %s at %s: refused with %s; may the key change TXT records at %s?", zone, s.update.Server, dns.RcodeToString[reply.Rcode], name)
	}
	return nil
}

// zone is the configured zone, else the one that the server says it holds the name in.
func (s *solver) zone(ctx context.Context, name string) (string, error) {
	if s.update.Zone != "" {
		return dns.Fqdn(s.update.Zone), nil
	}
	for at := range dns.Split(name) {
		candidate := name[dns.Split(name)[at]:]
		reply, err := s.exchange(ctx, new(dns.Msg).SetQuestion(candidate, dns.TypeSOA))
		if err != nil {
			return "", fmt.Errorf("ask %s for the zone of %s: %w", s.update.Server, name, err)
		}
		for _, record := range reply.Answer {
			if _, is := record.(*dns.SOA); is && strings.EqualFold(record.Header().Name, candidate) {
				return candidate, nil
			}
		}
	}
	return "", fmt.Errorf("%s serves no zone that %s is in: name the zone", s.update.Server, name)
}

// exchange asks over TCP, signed where there is a key. A reply that must be signed and is
// not is an error.
func (s *solver) exchange(ctx context.Context, message *dns.Msg) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, updateTime)
	defer cancel()
	client := &dns.Client{Net: "tcp", Timeout: updateTime}
	if s.update.KeyName != "" {
		key := dns.CanonicalName(s.update.KeyName)
		client.TsigSecret = map[string]string{key: s.update.Secret}
		message.SetTsig(key, dns.Fqdn(s.update.Algorithm), 300, time.Now().Unix())
	}
	reply, _, err := client.ExchangeContext(ctx, message, s.update.Server.String())
	if err != nil {
		return nil, err
	}
	if s.update.KeyName != "" && reply.IsTsig() == nil {
		return nil, errors.New("the reply is not signed: is the key the same on both sides?")
	}
	return reply, nil
}
