#!/usr/bin/env bash
# Plays the independent conformance suite against the binary: the scripted servers
# of ../shared/conformance, or of the folder that CONFORMANCE names. Prints what
# failed and the totals; arguments go to the harness, such as -run RE. The harness
# needs root on Linux, for network namespaces of its own.
set -uo pipefail
cd "$(dirname "$0")/.."
suite=${CONFORMANCE:-../shared/conformance}
binary=$(realpath "${RECOURSE:-recourse}")
if [ ! -f "$suite/main.go" ]; then
	echo "no conformance suite: $suite is not here, so nothing was played"
	exit 0
fi
if [ ! -x "$binary" ]; then
	echo "no binary $binary: make build makes it" >&2
	exit 1
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/conformance.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$suite" || exit 1
go build -o "$work/harness" . || exit 1
TMPDIR=$work "$work/harness" -v -adapter adapters/recourse -bin "$binary" -work "$work/played" -out "$work/results.json" \
	-suite unbound=scenarios/unbound -suite deckard=scenarios/deckard "$@" 2>&1 | tee "$work/log" | grep -vE '^skip '
status=${PIPESTATUS[0]}
echo
echo "failed: $(grep -E '^(fail|error) ' "$work/log" | awk '{print $2}' | sort | tr '\n' ' ')"
echo "skipped: $(grep -cE '^skip ' "$work/log")"
exit "$status"
