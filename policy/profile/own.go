package profile

import (
	"slices"

	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/policy/rewrite"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Own is what the bundle's index must have for the profiles and for the names of help, one
// list a kind and each name once, however many profiles have it: whose it is, the profiles
// are asked. So a name that no profile says anything of costs the same with any number of them.
func Own(profiles []*Profile, help []wire.Name) []bundle.Own {
	var allow, deny, services []wire.Name
	var choice rewrite.Choice
	var engines *rewrite.Table
	for _, profile := range profiles {
		allow, deny = append(append(allow, profile.Allow...), profile.Lent.Names...), append(deny, profile.Deny...)
		for _, service := range profile.Services {
			services = append(services, service.Names...)
		}
		if profile.engines != nil {
			choice.Join(profile.Search)
			engines = profile.engines
		}
	}
	own := []bundle.Own{
		{Kind: bundle.Help, Names: help}, {Kind: bundle.ProfileAllow, Names: allow}, {Kind: bundle.ProfileDeny, Names: deny},
		{Kind: bundle.Service, Names: services}, {Kind: bundle.SafeSearch},
	}
	if engines != nil {
		own[len(own)-1].Names = engines.Hosts(choice)
	}
	for i := range own {
		names := slices.Clone(own[i].Names)
		slices.Sort(names)
		own[i].Names = slices.Compact(names)
	}
	return own
}
