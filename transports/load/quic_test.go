package load_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports/load"
)

func serveQUIC(t *testing.T) resolver.Server {
	t.Helper()
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	transport := &quic.Transport{Conn: socket}
	listener, err := transport.Listen(&tls.Config{Certificates: []tls.Certificate{certificate(t)}, NextProtos: []string{"doq"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	work.Go(func() {
		for {
			conn, err := listener.Accept(context.Background())
			if err != nil {
				return // closed
			}
			work.Go(func() {
				for {
					stream, err := conn.AcceptStream(context.Background())
					if err != nil {
						return // closed
					}
					work.Go(func() { answerStream(stream) })
				}
			})
		}
	})
	t.Cleanup(func() {
		if err := errors.Join(listener.Close(), transport.Close(), socket.Close()); err != nil {
			t.Error(err)
		}
		work.Wait()
	})
	return resolver.Server{Transport: resolver.OverQUIC, Addr: netip.MustParseAddrPort(listener.Addr().String()), Name: "dns.example"}
}

// answerStream answers as respond does; "reset" fails below DNS, "cut" sends half a message.
func answerStream(stream *quic.Stream) {
	octets, err := io.ReadAll(stream)
	query := new(dns.Msg)
	if err != nil || len(octets) < 2 || int(binary.BigEndian.Uint16(octets)) != len(octets)-2 || query.Unpack(octets[2:]) != nil || query.Id != 0 {
		stream.CancelWrite(2)
		return
	}
	label, _, _ := strings.Cut(query.Question[0].Name, ".")
	reply := respond(query)
	if label == "reset" || reply == nil {
		stream.CancelWrite(2)
		return
	}
	packet, err := reply.Pack()
	if err != nil {
		panic(err)
	}
	packet = append(binary.BigEndian.AppendUint16(nil, uint16(len(packet))), packet...)
	if label == "cut" {
		packet = packet[:len(packet)/2]
	}
	_, _ = stream.Write(packet) // a client that has left is not this server's concern
	_ = stream.Close()
}

func TestOverQUIC(t *testing.T) {
	report := run(t, load.Config{
		Server: serveQUIC(t), Questions: questions("www", "none", "other", "long", "cut", "reset"), Queries: 1200, Connections: 1, InFlight: 20,
	})
	if report.Sent != 1200 || report.Answered != 600 || report.Wrong != 200 || report.Failed != 400 || report.Lost != 0 {
		t.Error(counted(report))
	}
	if got := report.Rcodes; got[dns.RcodeSuccess] != 400 || got[dns.RcodeNameError] != 200 {
		t.Errorf("answers by code: %v", got)
	}
}

func TestQUICPaced(t *testing.T) {
	report := run(t, load.Config{Server: serveQUIC(t), Questions: questions("www"), Queries: 300, Rate: 1000, Connections: 3})
	if report.Answered != 300 || report.Connections != 3 {
		t.Error(counted(report))
	}
}

func TestOverHTTP3(t *testing.T) {
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	server := &http3.Server{
		Handler:   http.HandlerFunc(overHTTP),
		TLSConfig: http3.ConfigureTLSConfig(&tls.Config{Certificates: []tls.Certificate{certificate(t)}}),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(socket) }()
	t.Cleanup(func() {
		if err := errors.Join(server.Close(), socket.Close()); err != nil {
			t.Error(err)
		}
		<-ended
	})
	testOverHTTP(t, resolver.Server{Transport: resolver.OverHTTP3, Addr: netip.MustParseAddrPort(socket.LocalAddr().String()), Name: "dns.example"})
}
