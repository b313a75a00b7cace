#!/usr/bin/env bash
# Installs the peers on Debian, none of them started: a policy-rc.d that says no
# (101) stands in the way while apt works and goes away afterwards. Elsewhere, or
# without root, it says what is missing and ends with 1.
set -euo pipefail

missing=()
need() { PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
need unbound unbound
need kresd knot-resolver
need pdns_recursor pdns-recursor
need named bind9
need dnsdist dnsdist
need nsd nsd
need dnsperf dnsperf
need ip iproute2
need taskset util-linux

[ ${#missing[@]} -gt 0 ] || exit 0
if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" != 0 ]; then
	echo "missing: ${missing[*]}; not Debian or not root, so install them by hand" >&2
	exit 1
fi

# One that is there already is put back as it was.
policy=/usr/sbin/policy-rc.d
kept=
[ ! -e "$policy" ] || { kept=$(mktemp) && cp -p "$policy" "$kept"; }
restore() {
	rm -f "$policy"
	[ -z "$kept" ] || mv "$kept" "$policy"
}
trap restore EXIT
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"

echo "to install: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
