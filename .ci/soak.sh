#!/usr/bin/env bash
# Five minutes (or SECONDS_TO_RUN) at 5,000 queries a second against the miniature
# Internet: goroutines, descriptors and memory must not grow. Needs dnsperf and curl.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${SECONDS_TO_RUN:-300}
rate=${RATE:-5000}
work=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT

cat >"$work/recourse.yaml" <<END
operator: {name: Soak, contact: "mailto:soak@example.net", portal: "http://127.0.0.1:8090"}
listen: {do53: ["127.0.0.1:5390"], web: ["127.0.0.1:8090"], metrics: ["127.0.0.1:9190"]}
state: ./state
resolver: {mode: recurse, cache: 32MiB}
blocklists:
  - {id: soak, purpose: security, category: phishing, title: {en: Soak}, publisher: {name: Soak}, source: {file: list, refresh: 2s}, format: domains, scope: subtree, review_every: 90d}
clients: [{match: {networks: ["127.0.0.0/8"]}}]
END
seq -f 'blocked%.0f.com' 1 20000 >"$work/list"
# A third blocked, most asked for again and again, a tenth for the first time, some of
# them bogus or missing: what is asked for the first time is signed, fetched and
# validated on this same machine.
awk 'BEGIN {
	srand(1)
	for (i = 0; i < 300000; i++) {
		r = rand()
		if (r < 0.33) print "blocked" int(rand() * 20000) ".com A"
		else if (r < 0.90) print "www.popular" int(rand() * 2000) ".org A"
		else if (r < 0.97) print "www.site" i ".net AAAA"
		else if (r < 0.98) print "x" i ".bogus.example A"
		else print "missing" i ".signed.example A"
	}
}' >"$work/questions"

./recourse serve --lab --config "$work/recourse.yaml" >"$work/out" 2>"$work/err" &
server=$!
until curl -sf http://127.0.0.1:8090/readyz >/dev/null; do kill -0 "$server"; done

figures() {
	curl -s http://127.0.0.1:9190/metrics | awk -v at="$1" '
		$1 == "go_goroutines" {g = $2} $1 == "process_open_fds" {f = $2}
		$1 == "process_resident_memory_bytes" {m = $2} $1 == "recourse_cache_bytes" {c = $2}
		END {printf "%5s s  goroutines %5d  descriptors %4d  resident %6.1f MB  cache %6.1f MB\n", at, g, f, m / 1e6, c / 1e6}'
}

figures 0
# The list is rewritten as it goes, so that reloads are in it too.
(while sleep 10; do echo "more$RANDOM.com" >>"$work/list"; done) &
rewriting=$!
dnsperf -s 127.0.0.1 -p 5390 -d "$work/questions" -Q "$rate" -l "$seconds" -c 20 -q 2000 >"$work/dnsperf" 2>/dev/null &
load=$!
for ((at = 30; at < seconds; at += 30)); do
	sleep 30
	figures "$at"
done
wait "$load"
kill "$rewriting"
sleep 5
figures "$((seconds + 5))"
grep -E 'Queries (sent|completed|lost)|Response codes|Queries per second|Average Latency' "$work/dnsperf"
kill -TERM "$server"
wait "$server"
echo "ended cleanly"
