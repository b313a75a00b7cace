#!/usr/bin/env bash
# What a cached and a blocked answer over UDP cost, beside an echo and unbound: see udp/doc.go.
# Arguments go to build/udp.
set -euo pipefail
cd "$(dirname "$0")/.."
bash bench/install.sh
mkdir -p build
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o build/recourse ./cmd/recourse
(cd bench && CGO_ENABLED=0 go build -o ../build/ ./echo ./udp)
bash bench/alone.sh build/udp --dir "$work" "$@"
