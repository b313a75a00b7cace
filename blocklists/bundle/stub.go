package bundle

import (
	"net/netip"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func (b *Bundle) Has(blocklists.Trigger) bool                              { return false }
func (b *Bundle) MatchServer(_ wire.Name, into []uint32) ([]uint32, error) { return into, nil }
func (b *Bundle) MatchAddress(_ blocklists.Trigger, _ netip.Addr, into []uint32) ([]uint32, error) {
	return into, nil
}
func (b *Bundle) Terms(id uint32) blocklists.Terms { return blocklists.Terms{} }
