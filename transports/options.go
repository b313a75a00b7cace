package transports

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
	"github.com/recourse-dns/recourse/transports/cookie"
)

// paddingBlock is what the length of a padded reply is a multiple of (RFC 8467, section 4.1).
const paddingBlock = 468

// MaxNSID bounds what a server may call itself: it is part of every reply that wants it.
const MaxNSID = 64

// Options is what a reply's OPT record has beside Extended DNS Errors. All of it was asked
// for. The zero value is nothing.
type Options struct {
	Cookie    [cookie.Size]byte // client's and server's part (RFC 7873)
	HasCookie bool
	NSID      string        // RFC 5001; "" for none
	KeepAlive time.Duration // of an idle connection (RFC 7828); 0 for none
	Padded    bool          // RFC 8467
}

// size is the OPT record's with these options, without padding; 0 where the query had none.
func (o *Options) size(query *resolver.Query) int {
	if !query.EDNS.Present {
		return 0
	}
	size := optSize
	if o.HasCookie {
		size += wire.OptionHeader + len(o.Cookie)
	}
	if o.NSID != "" {
		size += wire.OptionHeader + len(o.NSID)
	}
	if o.KeepAlive > 0 {
		size += wire.OptionHeader + 2
	}
	return size
}

// append writes the options of a message that begins at start. Padding comes last, since
// it is for all that stands before it.
func (o *Options) append(dst []byte, start, limit int) []byte {
	if o.HasCookie {
		dst = append(appendOption(dst, wire.OptionCookie, len(o.Cookie)), o.Cookie[:]...)
	}
	if o.NSID != "" {
		dst = append(appendOption(dst, wire.OptionNSID, len(o.NSID)), o.NSID...)
	}
	if o.KeepAlive > 0 {
		dst = appendOption(dst, wire.OptionKeepAlive, 2)
		tenths := min(o.KeepAlive/(100*time.Millisecond), math.MaxUint16) // RFC 7828, section 3.1
		dst = binary.BigEndian.AppendUint16(dst, uint16(tenths))
	}
	if o.Padded {
		dst = appendPadding(dst, len(dst)-start, limit)
	}
	return dst
}

// appendPadding brings a message of so many octets to whole blocks, or to the limit.
func appendPadding(dst []byte, length, limit int) []byte {
	length += wire.OptionHeader
	if length > limit {
		return dst
	}
	padded := min((length+paddingBlock-1)/paddingBlock*paddingBlock, limit)
	var blank [paddingBlock]byte
	return append(appendOption(dst, wire.OptionPadding, padded-length), blank[:padded-length]...)
}

// appendOption writes an option's head.
func appendOption(dst []byte, code uint16, size int) []byte {
	dst = binary.BigEndian.AppendUint16(dst, code)
	return binary.BigEndian.AppendUint16(dst, uint16(size))
}
