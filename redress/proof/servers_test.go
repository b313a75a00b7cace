package proof_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/proof"
	"github.com/recourse-dns/recourse/redress/redresstest"
	"github.com/recourse-dns/recourse/resolver"
)

// ownServers are a zone's servers by address, and what each says.
type ownServers map[string]string

func (o ownServers) Exchange(_ context.Context, server resolver.Server, query []byte, accept func([]byte) bool) ([]byte, error) {
	asked := new(dns.Msg)
	if err := asked.Unpack(query); err != nil {
		return nil, err
	}
	value, known := o[server.Addr.String()]
	if !known {
		return nil, errors.New("nobody is there")
	}
	reply := new(dns.Msg).SetReply(asked)
	reply.Authoritative = true
	if value != "" {
		record, err := dns.NewRR(asked.Question[0].Name + ` 60 IN TXT "` + value + `"`)
		if err != nil {
			return nil, err
		}
		reply.Answer = []dns.RR{record}
	}
	packed, err := reply.Pack()
	if err != nil || !accept(packed) {
		return nil, errors.New("not accepted")
	}
	return packed, nil
}

func TestRecordThatIsNotAtAllServersYet(t *testing.T) {
	for name, c := range map[string]struct {
		servers ownServers
		flaw    redress.Flaw
		found   string
	}{
		"at one of two":   {ownServers{"8.8.4.1:53": challenge, "8.8.4.2:53": ""}, redress.FlawPartly, "ns2.example.org"},
		"at none":         {ownServers{"8.8.4.1:53": "", "8.8.4.2:53": ""}, redress.FlawAbsent, ""},
		"nobody there":    {ownServers{}, redress.FlawAbsent, ""},
		"only of silence": {ownServers{"8.8.4.1:53": challenge}, redress.FlawAbsent, ""},
	} {
		world := redresstest.NewDNS()
		for _, record := range []string{"example.org. 60 IN NS ns1.example.org.", "example.org. 60 IN NS ns2.example.org.", "ns1.example.org. 60 IN A 8.8.4.1", "ns2.example.org. 60 IN A 8.8.4.2"} {
			world.Add(record)
		}
		found, err := proof.NewTXTAt(world, c.servers, nil).Prove(t.Context(), claim("example.org"))
		if err != nil || found.Verified || found.Flaw != c.flaw || found.Found != c.found {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
	}
}

// TestServersOfPrivateAddressesAreNotAsked: a zone's owner chooses where its servers are.
func TestServersOfPrivateAddressesAreNotAsked(t *testing.T) {
	world := redresstest.NewDNS()
	for _, record := range []string{"example.org. 60 IN NS ns1.example.org.", "ns1.example.org. 60 IN A 127.0.0.1", "ns1.example.org. 60 IN A 10.0.0.1", "ns1.example.org. 60 IN A 169.254.169.254"} {
		world.Add(record)
	}
	asked := recorder{}
	if _, err := proof.NewTXTAt(world, &asked, nil).Prove(t.Context(), claim("example.org")); err != nil || len(asked) != 0 {
		t.Errorf("asked %v, %v", asked, err)
	}
}

type recorder []netip.AddrPort

func (r *recorder) Exchange(_ context.Context, server resolver.Server, _ []byte, _ func([]byte) bool) ([]byte, error) {
	*r = append(*r, server.Addr)
	return nil, errors.New("not asked")
}
