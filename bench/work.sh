#!/usr/bin/env bash
# What a cold resolution costs, ours and four others: see work/doc.go. Needs root
# (port 53), two cores and the programs of install.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "$(id -u)" != 0 ]; then
	echo "the comparison needs root" >&2
	exit 1
fi
bash bench/install.sh
mkdir -p build
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o build/recourse ./cmd/recourse
(cd bench && CGO_ENABLED=0 go build -o ../build/work ./work)

exec bash bench/alone.sh taskset -c 1 build/work --recourse build/recourse "$@"
