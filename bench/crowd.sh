#!/usr/bin/env bash
# What connections cost that are open and silent, and what others wait while some read
# nothing, and while some flood: see crowd/doc.go. ARGS go to it; "--ahead" (root) is for machines with neighbours.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p build
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o build/recourse ./cmd/recourse
(cd bench && CGO_ENABLED=0 go build -o ../build/ ./crowd)
for door in tcp tls; do
	bash bench/alone.sh taskset -c 1 build/crowd --recourse build/recourse --door $door "$@"
	bash bench/alone.sh taskset -c 1 build/crowd --recourse build/recourse --door $door --connections 10000 --slow "$@"
done
bash bench/alone.sh taskset -c 1 build/crowd --recourse build/recourse --flood all "$@"
