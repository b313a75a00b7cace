package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/policy/kit"
	"github.com/recourse-dns/recourse/resolver/recurse"
)

// KitOptions are the flags of kit.
type KitOptions struct {
	Level    kit.Level         `default:"json" help:"How much of an answer is looked at: rcode (and records), ede (Extended DNS Errors and flags too), json (structured errors too)."`
	Lacking  []string          `placeholder:"WORD" help:"What the resolver cannot do, in the words of cases.txt: clients, exceptions, allow, refused, aliases. Cases that need it are left out."`
	From     map[string]string `placeholder:"CLIENT=ADDR" help:"Where a client of clients.txt asks from, instead of what stands there."`
	Only     string            `placeholder:"PREFIX" help:"Only cases whose name begins so."`
	Option   uint16            `placeholder:"CODE" help:"The code of the EDNS option that asks for structured errors; by default 65001."`
	Timeout  time.Duration     `default:"5s" help:"How long to wait for an answer."`
	CA       string            `name:"ca" placeholder:"FILE" help:"Believe certificates of this authority (PEM) too."`
	Insecure bool              `help:"Believe any certificate."`
	Words    []string          `arg:"" name:"words" help:"[@URL] FOLDER: the server, by default @udp://127.0.0.1:5300, also over tcp, tls, https, h3 or quic; the folder of the verdict kit."`
}

// Help shows the command at work.
func (KitOptions) Help() string {
	return example("Asks what the verdict kit says and compares; its README says how any resolver is prepared for it.",
		"recourse kit policy/testdata/kit",
		"recourse kit @quic://127.0.0.1:8853 policy/testdata/kit --insecure",
		"recourse kit @udp://127.0.0.1:53 policy/testdata/kit --level rcode --lacking refused,aliases")
}

// Run is called by the command line.
func (o *KitOptions) Run(ctx context.Context, env *environment) error {
	target, rest := splitWords(o.Words)
	if len(rest) != 1 {
		return wrongUse("kit wants [@URL] FOLDER")
	}
	server, err := parseQueryServer(target)
	if err != nil {
		return err
	}
	read, err := kit.Read(os.DirFS(rest[0]))
	if err != nil {
		return fmt.Errorf("%s: %w", rest[0], err)
	}
	if err := o.move(read); err != nil {
		return err
	}
	play := kitPlay{options: o, kit: read, server: server, clients: map[string]recurse.Exchanger{}}
	play.trust, err = (&QueryOptions{CA: o.CA, Insecure: o.Insecure}).trust(env, server)
	if err != nil {
		return err
	}
	defer play.close()
	return play.run(ctx, env)
}

// move puts clients where --from says.
func (o *KitOptions) move(read *kit.Kit) error {
	for name, text := range o.From {
		client := read.Client(name)
		if client == nil {
			return wrongUse("--from %s: clients.txt has no such client", name)
		}
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return wrongUse("--from %s: %s", name, err)
		}
		client.Addr = addr
	}
	return nil
}

// kitPlay is one run of the kit against one server.
type kitPlay struct {
	options *KitOptions
	kit     *kit.Kit
	server  queryServer
	trust   trust
	clients map[string]recurse.Exchanger // by name
}

func (p *kitPlay) run(ctx context.Context, env *environment) error {
	passed, failed, left := 0, 0, map[string]int{}
	for i := range p.kit.Cases {
		one := &p.kit.Cases[i]
		if !strings.HasPrefix(one.ID, p.options.Only) {
			continue
		}
		if need := one.Lacks(p.options.Lacking); need != "" {
			left[need]++
			continue
		}
		wrong, err := p.play(ctx, one)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", p.server, one.ID, err)
		}
		if len(wrong) == 0 {
			passed++
			continue
		}
		failed++
		fmt.Fprintf(env.stdout, "FAIL %s: %s asks for %s %s: %s\n", one.ID, one.Client.Name, one.Name, dns.TypeToString[one.Type], strings.Join(wrong, "; "))
	}
	fmt.Fprintf(env.stdout, "%s, level %s: %d passed, %d failed%s\n", p.server, p.options.Level, passed, failed, leftOut(left))
	switch {
	case failed > 0:
		return errNo
	case passed == 0:
		return wrongUse("no case is left to play")
	}
	return nil
}

func leftOut(left map[string]int) string {
	var said []string
	for need, count := range left {
		said = append(said, fmt.Sprintf("%d left out for want of %s", count, need))
	}
	slices.Sort(said)
	return strings.Join(append([]string{""}, said...), ", ")
}

// play asks a case's question, and at level json again as one who wants structured errors,
// by each of the two signs.
func (p *kitPlay) play(ctx context.Context, one *kit.Case) ([]string, error) {
	reply, err := p.ask(ctx, one, one.Query())
	if err != nil {
		return nil, err
	}
	wrong := one.Check(p.options.Level, reply)
	if p.options.Level < kit.JSON || one.NoEDNS {
		return wrong, nil
	}
	for _, sign := range []string{"option", "legacy sign"} {
		reply, err := p.ask(ctx, one, one.Structured(sign != "option", p.options.Option))
		if err != nil {
			return nil, err
		}
		for _, what := range p.kit.CheckStructured(one, reply) {
			wrong = append(wrong, "by "+sign+": "+what)
		}
	}
	return wrong, nil
}

func (p *kitPlay) ask(ctx context.Context, one *kit.Case, message *dns.Msg) (*dns.Msg, error) {
	ctx, stop := context.WithTimeout(ctx, p.options.Timeout)
	defer stop()
	candidates, err := p.server.candidates(ctx)
	if err != nil {
		return nil, err
	}
	answer, err := askOne(ctx, p.client(one.Client), candidates[0], message)
	if err != nil {
		return nil, explained(err, p.options.Timeout)
	}
	return answer.message, nil
}

// client asks from where one of the kit's does.
func (p *kitPlay) client(whom *kit.Client) recurse.Exchanger {
	if p.clients[whom.Name] == nil {
		from := p.trust
		from.local = whom.Addr
		p.clients[whom.Name] = newClient(from, p.options.Timeout)
	}
	return p.clients[whom.Name]
}

func (p *kitPlay) close() {
	for _, client := range p.clients {
		if closer, is := client.(interface{ Close() error }); is {
			_ = closer.Close() // nothing is lost with connections that were read from
		}
	}
}
