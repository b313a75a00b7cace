package lab

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// UpdateServer takes RFC 2136 updates that are signed with its key. It answers
// questions too, for all zones: an update client asks for a SOA to find the zone.
type UpdateServer struct {
	internet *Internet
	all      *nameServer
	secret   string
	servers  []*dns.Server
	running  sync.WaitGroup
	addr     string
}

const (
	keyName = "lab-update."
	maxSkew = 300 // seconds, RFC 8945, section 10
)

var errNotLoopback = errors.New("not a loopback address")

// Updates listens at an address such as "127.0.0.1:0" (port 0: a free one), UDP
// and TCP on one port. It must be a loopback address, in digits. The key is a new
// one each time.
func (i *Internet) Updates(address string) (*UpdateServer, error) {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, fmt.Errorf("lab updates: %w", err)
	}
	if !at.Addr().IsLoopback() {
		return nil, fmt.Errorf("lab updates: %q: %w", address, errNotLoopback)
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails, says its contract
	server := &UpdateServer{internet: i, all: &nameServer{zones: i.zones}, secret: base64.StdEncoding.EncodeToString(secret)}
	if err := server.listen(at); err != nil {
		return nil, fmt.Errorf("lab updates: %w", err)
	}
	return server, nil
}

// listen opens TCP first and UDP on the same port. Where that is taken and the
// port is of no matter, another one is tried.
func (u *UpdateServer) listen(at netip.AddrPort) error {
	var err error
	for range portAttempts {
		var streams *net.TCPListener
		if streams, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at)); err != nil {
			return err
		}
		var packets *net.UDPConn
		if packets, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(streams.Addr().(*net.TCPAddr).AddrPort())); err == nil {
			u.addr = streams.Addr().String()
			u.start(&dns.Server{Listener: streams})
			u.start(&dns.Server{PacketConn: packets})
			return nil
		}
		streams.Close()
		if at.Port() != 0 {
			break
		}
	}
	return err
}

// start returns when the server is in work.
func (u *UpdateServer) start(server *dns.Server) {
	started := make(chan struct{})
	server.Handler, server.NotifyStartedFunc = dns.HandlerFunc(u.reply), func() { close(started) }
	server.TsigSecret = map[string]string{keyName: u.secret}
	server.MsgAcceptFunc = accept
	server.UDPSize = maxUDPSize
	server.MaxTCPQueries = 1000
	server.ReadTimeout, server.WriteTimeout = idle, idle
	u.servers = append(u.servers, server)
	u.running.Go(func() { _ = server.ActivateAndServe() })
	<-started
}

func accept(header dns.Header) dns.MsgAcceptAction {
	const response, opcodes = 1 << 15, 0xf
	switch opcode := int(header.Bits >> 11 & opcodes); {
	case header.Bits&response != 0:
		return dns.MsgIgnore
	case opcode != dns.OpcodeQuery && opcode != dns.OpcodeUpdate:
		return dns.MsgRejectNotImplemented
	case header.Qdcount != 1:
		return dns.MsgReject
	}
	return dns.MsgAccept
}

// Addr is where it listens, with the port.
func (u *UpdateServer) Addr() string { return u.addr }

// Key is what updates have to be signed with, by HMAC-SHA256; the secret is in base 64.
func (u *UpdateServer) Key() (name, secret string) { return keyName, u.secret }

// Close stops listening and waits for what is in work.
func (u *UpdateServer) Close() error {
	var errs []error
	for _, server := range u.servers {
		errs = append(errs, server.Shutdown())
	}
	u.running.Wait()
	return errors.Join(errs...)
}

// reply answers one message.
func (u *UpdateServer) reply(writer dns.ResponseWriter, request *dns.Msg) {
	tsig, status := request.IsTsig(), writer.TsigStatus()
	_, udp := writer.RemoteAddr().(*net.UDPAddr)
	var reply *dns.Msg
	switch {
	case tsig != nil && status != nil:
		reply = start(request)
		reply.Rcode = dns.RcodeNotAuth
	case request.Opcode == dns.OpcodeQuery:
		reply = u.query(request, udp)
	default:
		reply = start(request)
		reply.Rcode = u.update(request, tsig)
	}
	if tsig != nil {
		reply.Extra = append(reply.Extra, countersign(tsig, status))
	}
	_ = writer.WriteMsg(reply) // a lost reply is the client's to notice
}

// query answers as a server of all zones would.
func (u *UpdateServer) query(request *dns.Msg, udp bool) *dns.Msg {
	limit := dns.MaxMsgSize
	if udp {
		limit = udpLimit(request)
	}
	reply := u.all.answer(request, udp)
	reply.Compress = true
	const signatureSize = 128 // of the TSIG record that may follow
	if reply.Len() > limit-signatureSize {
		reply.Answer, reply.Ns, reply.Truncated = nil, nil, true
		reply.Extra = slices.DeleteFunc(reply.Extra, func(rr dns.RR) bool { return rr.Header().Rrtype != dns.TypeOPT })
	}
	return reply
}

// update lets only signed changes through.
func (u *UpdateServer) update(request *dns.Msg, tsig *dns.TSIG) int {
	if tsig == nil || dns.CanonicalName(tsig.Algorithm) != dns.HmacSHA256 {
		return dns.RcodeRefused
	}
	return u.internet.update(request)
}

// countersign makes the TSIG record of a reply, which is filled in when it is
// sent. A request whose signature does not hold is told why (RFC 8945, section 5.2).
func countersign(tsig *dns.TSIG, status error) *dns.TSIG {
	now := uint64(time.Now().Unix())
	reply := &dns.TSIG{
		Hdr:       dns.RR_Header{Name: tsig.Hdr.Name, Rrtype: dns.TypeTSIG, Class: dns.ClassANY},
		Algorithm: tsig.Algorithm, TimeSigned: now, Fudge: maxSkew, OrigId: tsig.OrigId,
	}
	switch {
	case status == nil:
	case errors.Is(status, dns.ErrTime):
		reply.Error, reply.TimeSigned = dns.RcodeBadTime, tsig.TimeSigned
		reply.OtherLen, reply.OtherData = 6, fmt.Sprintf("%012x", now)
	case errors.Is(status, dns.ErrSecret), errors.Is(status, dns.ErrKeyAlg):
		reply.Error = dns.RcodeBadKey
	default:
		reply.Error = dns.RcodeBadSig
	}
	return reply
}
