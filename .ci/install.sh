#!/usr/bin/env bash
# Installs what the tests need on Debian: kdig, dig and nsupdate as clients, BIND and
# Unbound as secondaries, dnsperf for the soak, Chromium for the pages, Pebble as an authority
# that signs certificates, curl, h2load and h2spec for DNS over HTTPS, certutil for whom
# Chromium trusts, PostgreSQL for what the desk keeps, nginx and haproxy as front ends of
# the pages, gcc for the race detector. Elsewhere, or
# without root, it says what is missing; `make test` then lists what was left out.
set -euo pipefail

missing=()
need() { PATH="$PATH:/usr/sbin" command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
need gcc gcc
need kdig knot-dnsutils
need dig bind9-dnsutils
need nsupdate bind9-dnsutils
need named bind9
need unbound unbound
need dnsperf dnsperf
need chromium chromium
need pebble pebble
need certutil libnss3-tools
need curl curl
need h2load nghttp2-client
need nginx nginx
need haproxy haproxy
need make make
[ -n "$(ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null)" ] || missing+=(postgresql)

# h2spec is a Go program that Debian does not have. Where it cannot be had its test is left out.
if ! command -v h2spec >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
	GOBIN=/usr/local/bin go install github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible || echo "h2spec could not be installed" >&2
fi

[ ${#missing[@]} -gt 0 ] || exit 0
echo "to install: ${missing[*]}"
if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" != 0 ]; then
	echo "not Debian or not root: install them by hand, or go without what they test" >&2
	exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
