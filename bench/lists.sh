#!/usr/bin/env bash
# What lists cost, beside the targets: see lists/doc.go. COUNTS names other numbers of names;
# QUICK=1 measures 100,000, which takes half a minute.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd bench && CGO_ENABLED=0 go build -o "$work/lists" ./lists)
CGO_ENABLED=0 go test -c -o "$work/bundle.test" ./blocklists/bundle
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$work/recourse" ./cmd/recourse

calm=20s
if [ -n "${QUICK:-}" ]; then
	calm=3s
	COUNTS=${COUNTS:-100000}
fi
for count in ${COUNTS:-1000000 10000000}; do
	echo "== $count names in 20 lists, load of this machine $(cut -d ' ' -f 1 /proc/loadavg)"
	"$work/lists" --dir "$work/$count" --names "$count" --recourse "$work/recourse" --benchmarks "$work/bundle.test" --calm "$calm"
	rm -rf "${work:?}/$count"
done
