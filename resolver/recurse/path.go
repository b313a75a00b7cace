package recurse

import (
	"context"
	"errors"
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// pathReserve is how many questions of a query looking up its referral path leaves
// for the answer itself.
const pathReserve = resolver.MaxQueries / 2

// prove looks up what a referral said, the zone's NS set and the addresses of its name
// servers, where that is wanted: what is proved takes the place of glue, and what is
// bogus is not used. It is done once for a cut, for queries of clients alone, as the
// look-ups are queries too. What cannot be had, for want of a server or of work, stays
// as the referral said it.
func (r *resolution) prove(ctx context.Context, cut *delegation) (*delegation, error) {
	if r.config.Path == nil || cut.servers != nil || cut.zone == wire.Root || r.query.Fresh || r.query.Client.Door == resolver.Internal {
		return cut, nil
	}
	if !cut.proved.CompareAndSwap(false, true) {
		return cut, nil
	}
	if _, err := r.onPath(ctx, cut.zone, dns.TypeNS); isBogus(err) {
		r.cuts.forget(cut.zone)
		return nil, err
	}
	better := cut.with(nil)
	better.proved.Store(true)
	for _, server := range cut.nameservers {
		addresses, err := r.pathAddresses(ctx, server.name)
		if isBogus(err) {
			continue
		}
		if len(addresses) > 0 {
			server.addresses = addresses
		}
		better.nameservers = append(better.nameservers, server)
	}
	if len(better.nameservers) == 0 {
		r.cuts.forget(cut.zone)
		return nil, resolver.Fail(resolver.Bogus, "no name server of %s has an address that validates", cut.zone)
	}
	r.keep(better)
	return better, nil
}

// pathAddresses are the addresses of a name server as they validate.
func (r *resolution) pathAddresses(ctx context.Context, name wire.Name) ([]netip.Addr, error) {
	var found []netip.Addr
	for _, qtype := range r.addressTypes() {
		message, err := r.onPath(ctx, name, qtype)
		if isBogus(err) {
			return nil, err
		}
		if err != nil {
			continue
		}
		for _, rr := range message.Answer {
			if addr := address(rr); addr.IsValid() && len(found) < maxAddresses && rr.Header().Name == name.FQDN() {
				found = append(found, addr)
			}
		}
	}
	return found, nil
}

// onPath asks through validation, as long as there is work to spare.
func (r *resolution) onPath(ctx context.Context, name wire.Name, qtype uint16) (*dns.Msg, error) {
	if r.work.Queries() > resolver.MaxQueries-pathReserve {
		return nil, errExhausted
	}
	sub := r.query.Sub(name, qtype)
	sub.Work = r.work
	sub.Flags &^= wire.FlagCD
	answer, err := r.config.Path.Resolve(ctx, sub)
	if err != nil {
		return nil, err
	}
	return answer.Unpack()
}

// isBogus says that validation found what a referral said to be wrong.
func isBogus(err error) bool {
	var failure *resolver.Failure
	return errors.As(err, &failure) && slices.ContainsFunc(failure.Extended, func(e resolver.Extended) bool {
		return e.Code >= resolver.Bogus && e.Code <= resolver.DenialMissing || e.Code == resolver.ExpiredBeforeValid
	})
}

// with is the same cut with other name servers, of which nothing is learnt yet.
func (d *delegation) with(nameservers []nameserver) *delegation {
	return &delegation{
		zone: d.zone, parent: d.parent, nameservers: nameservers, stored: d.stored, expires: d.expires,
		proof: d.proof, proofExpires: d.proofExpires, hasDS: d.hasDS, signedParent: d.signedParent, island: d.island,
		teller: d.teller, trusted: d.trusted,
	}
}
