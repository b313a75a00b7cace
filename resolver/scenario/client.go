package scenario

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
)

// ask sends the step's query into the chain, as a door does: inline first, then
// where waiting is allowed.
func (p *player) ask(ctx context.Context, step *Step) error {
	packet, err := queryPacket(step.Entry)
	if err != nil {
		return err
	}
	p.upstream.forget()
	client := step.Address
	if !client.IsValid() {
		client = netip.MustParseAddr("127.0.0.1")
	}
	answer, query, err := p.resolve(ctx, client, packet, true)
	if !errors.Is(err, resolver.ErrWouldBlock) {
		return p.deliver(query, answer, err)
	}
	p.waiting.Go(func() {
		answer, query, err := p.resolve(ctx, client, packet, false)
		if err := p.deliver(query, answer, err); err != nil {
			p.log.printf("no answer: %v", err)
		}
	})
	return nil
}

func queryPacket(entry *Entry) ([]byte, error) {
	if entry.Hex != nil {
		return entry.Hex, nil
	}
	message := new(dns.Msg)
	message.Id, message.Opcode, message.Question = 4711, entry.Opcode, entry.Question
	message.RecursionDesired, message.AuthenticatedData, message.CheckingDisabled = entry.Flags.RD, entry.Flags.AD, entry.Flags.CD
	if !entry.Adjust.NoOPT {
		message.SetEdns0(1232, entry.Flags.DO)
	}
	return message.Pack()
}

func (p *player) resolve(ctx context.Context, client netip.Addr, packet []byte, inline bool) (*resolver.Answer, *resolver.Query, error) {
	query := &resolver.Query{Client: resolver.Client{Addr: client, Door: resolver.UDP}, Inline: inline, Now: time.Now()}
	if err := query.Read(packet); err != nil {
		return nil, query, fmt.Errorf("the step's query cannot be read: %w", err)
	}
	answer, err := p.handler.Resolve(ctx, query)
	if answer == nil && err == nil {
		err = errors.New("neither answer nor error")
	}
	return answer, query, err
}

// deliver makes the message that the client would get, and keeps it for the step
// that checks it.
func (p *player) deliver(query *resolver.Query, answer *resolver.Answer, err error) error {
	if errors.Is(err, resolver.Dropped) {
		return nil
	}
	var message *dns.Msg
	extended := []resolver.Extended(nil)
	var failure *resolver.Failure
	switch {
	case errors.As(err, &failure):
		message, extended = query.Message(), failure.Extended
		message.Rcode = dns.RcodeServerFailure
	case err != nil:
		return err
	default:
		if message, err = rendered(query, answer); err != nil {
			return err
		}
		extended = answer.Extended
	}
	message.Id, message.RecursionDesired, message.CheckingDisabled = query.ID, query.RecursionDesired(), query.CheckingDisabled()
	if query.EDNS.Present {
		message.SetEdns0(1232, query.EDNS.DO)
		for _, one := range extended {
			opt := message.IsEdns0()
			opt.Option = append(opt.Option, &dns.EDNS0_EDE{InfoCode: one.Code, ExtraText: one.Text})
		}
	}
	p.answers <- message
	return nil
}

// rendered is the answer as the door writes it: with proofs or without, TTLs
// counted down, AD for who knows it.
func rendered(query *resolver.Query, answer *resolver.Answer) (*dns.Msg, error) {
	packed, err := answer.Pack()
	if err != nil {
		return nil, err
	}
	form := packed.Plain
	if query.EDNS.DO {
		form = packed.Signed
	}
	message := new(dns.Msg)
	if err := message.Unpack(form.Wire); err != nil {
		return nil, fmt.Errorf("the answer cannot be read: %w", err)
	}
	age := packed.Age(query.Now)
	for _, section := range [][]dns.RR{message.Answer, message.Ns, message.Extra} {
		for _, rr := range section {
			rr.Header().Ttl -= min(age, rr.Header().Ttl)
		}
	}
	message.Response, message.RecursionAvailable, message.Authoritative = true, true, false
	message.AuthenticatedData = answer.Security == resolver.Secure && query.WantsAD()
	return message, nil
}
