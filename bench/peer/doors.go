package peer

import (
	"fmt"
	"net/netip"
	"strings"
)

// Behind is what a server of doors has: where it listens beside [Setup.Listen], and whom it
// asks for what it does not know.
type Behind struct {
	// Upstream answers everything.
	Upstream netip.AddrPort
	// DoT, DoH and DoQ are where else to listen. HTTP/3 is on the port of DoH.
	DoT, DoH, DoQ netip.AddrPort
	// Certificate and Key are files.
	Certificate, Key string
	// Ready is a name with an address.
	Ready string
	// Zone is the records of all names that are asked for, for a server that asks nobody.
	Zone string
	// Ours is added to our configuration: lists, web, metrics.
	Ours string
}

// Names of doors.
const (
	UDP  = "UDP"
	TCP  = "TCP"
	DoT  = "DoT"
	DoH  = "DoH"
	DoQ  = "DoQ"
	DoH3 = "DoH3"
)

// AllDoors lists them in the order of tables.
func AllDoors() []string { return []string{UDP, TCP, DoT, DoH, DoQ, DoH3} }

// URL is where a door of the setup is, as `recourse bench` wants it.
func (s Setup) URL(door string) string {
	switch door {
	case TCP:
		return "tcp://" + s.Listen.String()
	case DoT:
		return "tls://" + s.Behind.DoT.String()
	case DoH:
		return "https://" + s.Behind.DoH.String()
	case DoQ:
		return "quic://" + s.Behind.DoQ.String()
	case DoH3:
		return "h3://" + s.Behind.DoH.String()
	}
	return "udp://" + s.Listen.String()
}

// Servers lists what doors are measured on, ours first: forwarders that keep answers, and at
// the end a server that has zones, and the echo, which is nothing but the floor. Binary and
// echo are paths of ours.
func Servers(binary, echo string) []Resolver {
	return []Resolver{
		{Name: "recourse", Doors: AllDoors(), program: binary, render: recourseDoors},
		{Name: "unbound", Doors: []string{UDP, TCP, DoT, DoH}, program: "unbound", render: unboundDoors},
		{Name: "dnsdist", Doors: []string{UDP, TCP, DoT, DoH}, program: "dnsdist", render: dnsdistDoors},
		{Name: "powerdns", Doors: []string{UDP, TCP}, program: "pdns_recursor", render: powerdnsDoors},
		{Name: "bind", Doors: []string{UDP, TCP, DoT, DoH}, program: "named", render: bindDoors},
		{Name: "knot", Doors: []string{UDP, TCP, DoT, DoH}, program: "kresd", render: knotDoors},
		{Name: "nsd", Doors: []string{UDP, TCP, DoT}, program: "nsd", render: nsdDoors, forks: true},
		{Name: "echo", Doors: []string{UDP}, program: echo, render: echoDoors, silent: true},
	}
}

func recourseDoors(s Setup) rendered {
	b := s.Behind
	return rendered{
		files: map[string]string{"recourse.yaml": fmt.Sprintf(`operator: {name: Bench, contact: "mailto:bench@example.net", portal: "http://127.0.0.1"}
listen:
  do53: ["%s"]
  dot: ["%s"]
  doh: ["%s"]
  doq: ["%s"]
%s
tls: {certificate: %q, key: %q}
state: ./state
resolver: {mode: forward, forward: ["udp://%s"], dnssec: off, cache: 256MiB, query_localhost: true}
`, s.Listen, b.DoT, b.DoH, b.DoQ, b.Ours, b.Certificate, b.Key, b.Upstream)},
		arguments: []string{"serve", "--config", s.file("recourse.yaml")},
	}
}

func unboundDoors(s Setup) rendered {
	b := s.Behind
	return rendered{
		files: map[string]string{"unbound.conf": fmt.Sprintf(`server:
  directory: "%s"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  interface: %s
  interface: %s
  interface: %s
  tls-port: %d
  https-port: %d
  tls-service-key: "%s"
  tls-service-pem: "%s"
  num-threads: %d
  so-reuseport: yes
  incoming-num-tcp: 1000
  do-ip6: no
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  msg-cache-size: 128m
  rrset-cache-size: 256m
  module-config: "iterator"
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: %s
`, s.Dir, at(s.Listen), at(b.DoT), at(b.DoH), b.DoT.Port(), b.DoH.Port(), b.Key, b.Certificate, max(1, s.Threads), at(b.Upstream))},
		arguments: []string{"-d", "-c", s.file("unbound.conf")},
	}
}

// at writes an address with its port after an @.
func at(address netip.AddrPort) string { return fmt.Sprintf("%s@%d", address.Addr(), address.Port()) }

func dnsdistDoors(s Setup) rendered {
	b := s.Behind
	return rendered{
		files: map[string]string{"dnsdist.conf": fmt.Sprintf(`setLocal("%s")
addTLSLocal("%s", "%s", "%s")
addDOHLocal("%s", "%s", "%s", "/dns-query")
setACL("127.0.0.0/8")
newServer("%s")
getPool(""):setCache(newPacketCache(100000, {maxTTL=86400}))
setSecurityPollSuffix("")
`, s.Listen, b.DoT, b.Certificate, b.Key, b.DoH, b.Certificate, b.Key, b.Upstream)},
		arguments: []string{"--supervised", "--disable-syslog", "-C", s.file("dnsdist.conf")},
	}
}

func powerdnsDoors(s Setup) rendered {
	return rendered{
		files: map[string]string{"recursor.conf": fmt.Sprintf(`daemon=no
socket-dir=%s
local-address=%s
local-port=%d
allow-from=127.0.0.0/8
dont-query=
forward-zones-recurse=.=%s
dnssec=off
threads=%d
pdns-distributes-queries=no
reuseport=yes
security-poll-suffix=
loglevel=3
quiet=yes
`, s.Dir, s.Listen.Addr(), s.Listen.Port(), s.Behind.Upstream, max(1, s.Threads))},
		arguments: []string{"--config-dir=" + s.Dir},
	}
}

func bindDoors(s Setup) rendered {
	b := s.Behind
	return rendered{
		files: map[string]string{"named.conf": fmt.Sprintf(`tls bench { cert-file "%s"; key-file "%s"; };
http bench { endpoints { "/dns-query"; }; };
options {
  directory "%s";
  pid-file none;
  session-keyfile none;
  listen-on port %d { %s; };
  listen-on port %d tls bench { %s; };
  listen-on port %d tls bench http bench { %s; };
  listen-on-v6 { none; };
  recursion yes;
  allow-query { 127.0.0.0/8; };
  allow-recursion { 127.0.0.0/8; };
  forward only;
  forwarders port %d { %s; };
  dnssec-validation no;
  max-cache-size 256m;
};
controls { };
`, b.Certificate, b.Key, s.Dir, s.Listen.Port(), s.Listen.Addr(), b.DoT.Port(), b.DoT.Addr(), b.DoH.Port(), b.DoH.Addr(), b.Upstream.Port(), b.Upstream.Addr())},
		arguments: []string{"-4", "-g", "-n", fmt.Sprint(max(1, s.Threads)), "-c", s.file("named.conf")},
	}
}

func knotDoors(s Setup) rendered {
	b := s.Behind
	var config strings.Builder
	fmt.Fprintf(&config, `net.ipv6 = false
net.tls("%s", "%s")
net.listen('%s', %d, { kind = 'dns' })
net.listen('%s', %d, { kind = 'tls' })
net.listen('%s', %d, { kind = 'doh2' })
modules.unload('ta_update')
modules.unload('ta_signal_query')
modules.unload('detect_time_skew')
trust_anchors.remove('.')
cache.open(256 * MB, 'lmdb://%s')
policy.add(policy.all(policy.FORWARD('%s')))
`, b.Certificate, b.Key, s.Listen.Addr(), s.Listen.Port(), b.DoT.Addr(), b.DoT.Port(), b.DoH.Addr(), b.DoH.Port(), s.file("cache"), at(b.Upstream))
	return rendered{
		files:     map[string]string{"kresd.conf": config.String()},
		arguments: []string{"-n", "-c", s.file("kresd.conf"), s.Dir},
	}
}

func nsdDoors(s Setup) rendered {
	b := s.Behind
	return rendered{
		files: map[string]string{
			"zone": b.Zone,
			"nsd.conf": fmt.Sprintf(`server:
  server-count: %d
  ip-address: %s
  ip-address: %s
  tls-port: %d
  tls-service-key: "%s"
  tls-service-pem: "%s"
  tcp-count: 1000
  username: ""
  pidfile: "%s"
  xfrdfile: ""
  zonelistfile: "%s"
  zonesdir: "%s"
remote-control:
  control-enable: no
zone:
  name: "example"
  zonefile: "zone"
`, max(1, s.Threads), at(s.Listen), at(b.DoT), b.DoT.Port(), b.Key, b.Certificate, s.file("pid"), s.file("zones"), s.Dir),
		},
		arguments: []string{"-d", "-c", s.file("nsd.conf")},
	}
}

func echoDoors(s Setup) rendered {
	return rendered{arguments: []string{"--listen", s.Listen.String()}}
}
