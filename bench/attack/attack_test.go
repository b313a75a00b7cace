package main

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func pose(t *testing.T, w *world, at, name string, kind uint16, stream bool) *dns.Msg {
	t.Helper()
	query := new(dns.Msg).SetQuestion(name, kind)
	query.SetEdns0(1232, true)
	packet, err := query.Pack()
	if err != nil {
		t.Fatal(err)
	}
	replies := w.respond(at, packet, stream)
	if len(replies) == 0 {
		t.Fatalf("%s: %s %s: silence", w.name, name, dns.Type(kind))
	}
	reply := new(dns.Msg)
	_ = reply.Unpack(replies[0]) // some are broken on purpose
	return reply
}

// TestAttacksAttack: each world leads a resolver from the root to the attacker, who
// has something to say.
func TestAttacksAttack(t *testing.T) {
	made, err := newKeys()
	if err != nil {
		t.Fatal(err)
	}
	for _, attack := range attacks() {
		w := &world{&attack, made}
		referral := pose(t, w, rootServer, attack.question(3), dns.TypeA, false)
		if len(referral.Ns) == 0 || len(referral.Extra) < 2 {
			t.Errorf("%s: the root refers nowhere: %v", attack.name, referral)
		}
		if key := pose(t, w, rootServer, ".", dns.TypeDNSKEY, false); attack.signed && len(key.Answer) != 2 {
			t.Errorf("%s: the root has no keys: %v", attack.name, key)
		}
		reply := pose(t, w, evilServer, attack.question(3), dns.TypeA, true)
		if len(reply.Answer)+len(reply.Ns) == 0 {
			t.Errorf("%s: the attacker says nothing: %v", attack.name, reply)
		}
	}
}

func TestKeysCollide(t *testing.T) {
	made, err := newKeys()
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range [][]*key{made.slow, made.large} {
		seen := map[string]bool{}
		for _, one := range set {
			if one.record.KeyTag() != set[0].record.KeyTag() || seen[one.record.PublicKey] {
				t.Errorf("tag %d, want %d of a key not seen before", one.record.KeyTag(), set[0].record.KeyTag())
			}
			seen[one.record.PublicKey] = true
		}
	}
	set := records("www.evil. A 192.0.2.1")
	if err := made.sign("evil.", set, made.slow[0]).(*dns.RRSIG).Verify(made.slow[0].at("evil."), set); err != nil {
		t.Errorf("a good signature: %v", err)
	}
	for _, forged := range made.forge("evil.", set, made.slow[0], 2) {
		if forged.(*dns.RRSIG).Verify(made.slow[0].at("evil."), set) == nil {
			t.Error("a forged signature holds")
		}
	}
}

func TestCrowdIsReadable(t *testing.T) {
	query := new(dns.Msg).SetQuestion("n1.evil.", dns.TypeA)
	e := &exchange{query: query, name: "n1.evil.", reply: new(dns.Msg).SetReply(query)}
	reply := new(dns.Msg)
	if err := reply.Unpack(e.crowd(64000, dns.TypeNS, 1)); err != nil {
		t.Fatal(err)
	}
	if last := reply.Ns[len(reply.Ns)-1].Header().Name; len(reply.Ns) < 4000 || len(last) < 250 || !strings.HasSuffix(last, ".n1.evil.") {
		t.Errorf("%d records, the last of %q", len(reply.Ns), last)
	}
	e.reply = new(dns.Msg).SetReply(query)
	if err := reply.Unpack(e.many(900)); err != nil || len(reply.Answer) != 1800 {
		t.Errorf("%d records, error %v", len(reply.Answer), err)
	}
}
