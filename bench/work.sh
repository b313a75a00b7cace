#!/usr/bin/env bash
# What a cold resolution costs, ours and four others, and what an attack costs us: see
# work/doc.go and attack/doc.go. Needs root (port 53), two cores and the programs of
# install.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "$(id -u)" != 0 ]; then
	echo "the comparison needs root" >&2
	exit 1
fi
bash bench/install.sh
mkdir -p build
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o build/recourse ./cmd/recourse
(cd bench && CGO_ENABLED=0 go build -o ../build/ ./work ./attack)

# "attacks" leaves the comparison out; what follows goes to build/attack.
if [ "${1:-}" = attacks ]; then
	shift
	exec bash bench/alone.sh taskset -c 1 build/attack --recourse build/recourse "$@"
fi
status=0
bash bench/alone.sh taskset -c 1 build/work --recourse build/recourse "$@" || status=$?
bash bench/alone.sh taskset -c 1 build/attack --recourse build/recourse || status=$?
exit $status
