package bundle

import (
	"sync"
	"sync/atomic"
)

// page is the octets of one page.
type page [pageSize]byte

// keptPages is how many pages of a file stay in memory: two megabytes. Names that
// people ask for often are then confirmed without a call to the system.
const keptPages = 512

// pages are the pages of a file that were asked for of late, sound ones only, and room
// for those that are being read. Nobody waits for anybody. The zero value is ready.
type pages struct {
	kept   [keptPages]atomic.Pointer[keptPage]
	wanted [keptPages]atomic.Uint32 // the page that last was not there
	room   sync.Pool                // of *page
}

type keptPage struct {
	number uint64
	octets page
}

func (p *pages) get(number uint64) *page {
	if kept := p.kept[number%keptPages].Load(); kept != nil && kept.number == number {
		return &kept.octets
	}
	return nil
}

// offer keeps a page that is asked for the second time in a row at its place: what is
// asked for once pushes nothing out, and costs no allocation.
func (p *pages) offer(number uint64, octets *page) {
	place := number % keptPages
	if p.wanted[place].Swap(uint32(number)) == uint32(number) {
		p.kept[place].Store(&keptPage{number: number, octets: *octets})
	}
}

func (p *pages) borrow() *page {
	if room, is := p.room.Get().(*page); is {
		return room
	}
	return new(page)
}

func (p *pages) giveBack(room *page) { p.room.Put(room) }
