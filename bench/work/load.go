package main

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

const (
	patience = 5 * time.Second
	tries    = 3
)

// load asks for names from first up to but without last, so many at a time, each
// once. It gives the number of those without a right answer: an address, and AD
// where the world is signed.
func load(address string, first, last, atOnce int, signed bool) (failed int, err error) {
	var next, wrong atomic.Int64
	next.Store(int64(first))
	var mutex sync.Mutex
	var running sync.WaitGroup
	for range atOnce {
		running.Go(func() {
			conn, failure := net.Dial("udp4", address)
			if failure != nil {
				mutex.Lock()
				defer mutex.Unlock()
				err = failure
				return
			}
			defer conn.Close()
			for i := int(next.Add(1) - 1); i < last; i = int(next.Add(1) - 1) {
				if !askOnce(conn, uint16(i), hostName(i), signed) {
					wrong.Add(1)
				}
			}
		})
	}
	running.Wait()
	return int(wrong.Load()), err
}

// askOnce asks as a stub does that wants to know about AD and not about signatures.
// Only a silent resolver is asked again.
func askOnce(conn net.Conn, id uint16, name string, signed bool) bool {
	message := new(dns.Msg).SetQuestion(name, dns.TypeA)
	message.Id, message.AuthenticatedData = id, true
	query, err := message.Pack()
	if err != nil {
		return false
	}
	reply := make([]byte, 4096)
	for range tries {
		if _, err := conn.Write(query); err != nil {
			return false
		}
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		for {
			length, err := conn.Read(reply)
			if err != nil {
				break
			}
			if length >= 12 && reply[0] == byte(id>>8) && reply[1] == byte(id) {
				return isRight(reply[:length], signed)
			}
		}
	}
	return false
}

// isRight looks at RCODE, AD and the number of answers.
func isRight(reply []byte, signed bool) bool {
	const rcode, ad = 0x0f, 0x20
	answers := int(reply[6])<<8 | int(reply[7])
	return reply[3]&rcode == 0 && answers > 0 && (!signed || reply[3]&ad != 0)
}
