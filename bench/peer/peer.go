package peer

import (
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
)

// Resolver is one resolver that can be started.
type Resolver struct {
	// Name is what tables call it.
	Name string
	// Doors are those it has; none where it was not asked for them.
	Doors []string
	// program is its binary, as the shell would find it.
	program string
	render  func(Setup) rendered
	// silent says that it gives no answer of a resolver's, only its packets back.
	silent bool
	// forks says that other processes do its work.
	forks bool
}

// Setup is the world that a resolver is to live in.
type Setup struct {
	// Dir is an empty folder of its own, an absolute path.
	Dir    string
	Listen netip.AddrPort
	// Hints are the NS records of the root and their addresses, as lines of a zone file.
	Hints []string
	// Anchors are DS records of the root, as lines of a zone file. None: nothing is validated.
	Anchors []string
	// Core is the processor to be pinned to; negative for none.
	Core int
	// Threads are how many it may use; 0 is one.
	Threads int
	// Behind is what a server of doors is to have; nil for a resolver of the world above.
	Behind *Behind
}

// rendered is what one resolver needs to start.
type rendered struct {
	files     map[string]string // by name within the folder
	arguments []string
}

// All lists the resolvers, ours first. Binary is the path of ours.
func All(binary string) []Resolver {
	return []Resolver{
		{Name: "recourse", program: binary, render: recourse},
		{Name: "unbound", program: "unbound", render: unbound},
		{Name: "knot", program: "kresd", render: knot},
		{Name: "powerdns", program: "pdns_recursor", render: powerdns},
		{Name: "bind", program: "named", render: bind},
	}
}

// path finds the program; Debian keeps servers where not every shell looks.
func (r Resolver) path() (string, error) {
	if strings.Contains(r.program, "/") {
		return filepath.Abs(r.program)
	}
	for _, name := range []string{r.program, "/usr/sbin/" + r.program} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: no program %q; bench/install.sh installs it", r.Name, r.program)
}

// FreePort gives an address on 127.0.0.1 whose port is free for UDP and TCP.
func FreePort() (netip.AddrPort, error) {
	for range 20 {
		listener, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return netip.AddrPort{}, err
		}
		address := listener.Addr().(*net.TCPAddr).AddrPort()
		packets, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(address))
		listener.Close()
		if err == nil {
			packets.Close()
			return address, nil
		}
	}
	return netip.AddrPort{}, fmt.Errorf("no port is free for both UDP and TCP")
}
