package peer

import (
	"fmt"
	"path/filepath"
	"strings"
)

// validates says whether the world has an anchor.
func (s Setup) validates() bool { return len(s.Anchors) > 0 }

// file is the absolute path of a file in the resolver's folder.
func (s Setup) file(name string) string { return filepath.Join(s.Dir, name) }

// lines writes records one a line.
func lines(records []string) string { return strings.Join(records, "\n") + "\n" }

// digests gives the rdata of the anchors: what follows DS.
func (s Setup) digests() []string {
	var digests []string
	for _, anchor := range s.Anchors {
		if _, rdata, found := strings.Cut(strings.ReplaceAll(anchor, "\t", " "), " DS "); found {
			digests = append(digests, rdata)
		}
	}
	return digests
}

// pick is the first where the condition holds, else the second.
func pick(condition bool, yes, no string) string {
	if condition {
		return yes
	}
	return no
}

func recourse(s Setup) rendered {
	return rendered{
		files: map[string]string{
			"hints":   lines(s.Hints),
			"anchors": lines(s.Anchors),
			"recourse.yaml": fmt.Sprintf(`operator: {name: Bench, contact: "mailto:bench@example.net"}
listen: {do53: ["%s"], response_rate_limit: {per_network: 10000000}}
state: ./state
resolver:
  mode: recurse
  cache: 256MiB
  root_hints: hints
  trust_anchors: %s
  dnssec: %s
  query_localhost: true
  ipv6: false
clients: [{match: {networks: ["127.0.0.0/8"]}}]
`, s.Listen, pick(s.validates(), "anchors", "none"), pick(s.validates(), "validate", "off")),
		},
		arguments: []string{"serve", "--config", s.file("recourse.yaml")},
	}
}

func unbound(s Setup) rendered {
	return rendered{
		files: map[string]string{
			"hints":   lines(s.Hints),
			"anchors": lines(s.Anchors),
			"unbound.conf": fmt.Sprintf(`server:
  directory: "%s"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  interface: %s@%d
  num-threads: 1
  do-ip6: no
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  msg-cache-size: 128m
  rrset-cache-size: 256m
  key-cache-size: 128m
  neg-cache-size: 32m
  root-hints: hints
  ede: yes
  module-config: "%s"
%sremote-control:
  control-enable: no
`, s.Dir, s.Listen.Addr(), s.Listen.Port(), pick(s.validates(), "validator iterator", "iterator"),
				pick(s.validates(), "  trust-anchor-file: anchors\n", "")),
		},
		arguments: []string{"-d", "-c", s.file("unbound.conf")},
	}
}

func knot(s Setup) rendered {
	var config strings.Builder
	fmt.Fprintf(&config, `net.ipv6 = false
net.listen('%s', %d, { kind = 'dns' })
modules = { 'hints > iterate' }
modules.unload('ta_update')
modules.unload('ta_signal_query')
modules.unload('detect_time_skew')
cache.open(256 * MB, 'lmdb://%s')
hints.root_file('%s')
policy.add(policy.all(policy.FLAGS('ALLOW_LOCAL')))
trust_anchors.remove('.')
`, s.Listen.Addr(), s.Listen.Port(), s.file("cache"), s.file("hints"))
	if s.validates() {
		// Of several calls of add the last one wins; a file is read whole.
		fmt.Fprintf(&config, "trust_anchors.add_file('%s', true)\n", s.file("anchors"))
	}
	return rendered{
		files:     map[string]string{"hints": lines(s.Hints), "anchors": lines(s.Anchors), "kresd.conf": config.String()},
		arguments: []string{"-n", "-c", s.file("kresd.conf"), s.Dir},
	}
}

func powerdns(s Setup) rendered {
	anchors := "clearTA()\n"
	for _, digest := range s.digests() {
		anchors += fmt.Sprintf("addTA('.', \"%s\")\n", digest)
	}
	return rendered{
		files: map[string]string{
			"hints":       lines(s.Hints),
			"anchors.lua": anchors,
			"recursor.conf": fmt.Sprintf(`daemon=no
socket-dir=%s
local-address=%s
local-port=%d
query-local-address=0.0.0.0
allow-from=127.0.0.0/8
dont-query=
hint-file=%s
lua-config-file=%s
dnssec=%s
threads=1
pdns-distributes-queries=no
extended-resolution-errors=yes
security-poll-suffix=
loglevel=3
quiet=yes
`, s.Dir, s.Listen.Addr(), s.Listen.Port(), s.file("hints"), s.file("anchors.lua"), pick(s.validates(), "validate", "off")),
		},
		arguments: []string{"--config-dir=" + s.Dir},
	}
}

func bind(s Setup) rendered {
	anchors := ""
	if s.validates() {
		anchors = "trust-anchors {\n"
		for _, digest := range s.digests() {
			fields := strings.Fields(digest)
			anchors += fmt.Sprintf("  . static-ds %s %s %s \"%s\";\n", fields[0], fields[1], fields[2], strings.Join(fields[3:], ""))
		}
		anchors += "};\n"
	}
	return rendered{
		files: map[string]string{
			"hints": lines(s.Hints),
			"named.conf": fmt.Sprintf(`options {
  directory "%s";
  pid-file none;
  session-keyfile none;
  listen-on port %d { %s; };
  listen-on-v6 { none; };
  recursion yes;
  allow-query { 127.0.0.0/8; };
  allow-recursion { 127.0.0.0/8; };
  dnssec-validation %s;
  trust-anchor-telemetry no;
  max-cache-size 256m;
};
controls { };
zone "." { type hint; file "hints"; };
%s`, s.Dir, s.Listen.Port(), s.Listen.Addr(), pick(s.validates(), "yes", "no"), anchors),
		},
		arguments: []string{"-4", "-g", "-n", "1", "-c", s.file("named.conf")},
	}
}
