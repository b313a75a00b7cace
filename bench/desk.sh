#!/usr/bin/env bash
# What queries wait beside people who look names up, and what a page costs: see doors/desk.go. Nothing is
# installed; ARGS go to it, such as: --rounds 9. As root the load and the server go before the machine's other work.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p build
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o build/recourse ./cmd/recourse
(cd bench && CGO_ENABLED=0 go build -o ../build/ ./doors)
bash bench/alone.sh build/doors --recourse build/recourse --parts desk "$@"
