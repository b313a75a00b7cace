package main

import (
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/outbound"
	"github.com/recourse-dns/recourse/redress/proof"
)

// provers are the ways to prove control of a name. They ask below policy, as the name is
// blocked here, and connect to public addresses only.
func provers(resolved *resolution) proof.Methods {
	dialer := outbound.NewDialer(hosts{resolved.unfiltered}, nil)
	return proof.Methods{
		redress.ByDNS:  proof.NewTXT(resolved.unfiltered),
		redress.ByHTTP: proof.NewFile(agent(), dialer),
		redress.ByPage: proof.NewPage(agent(), dialer),
	}
}
