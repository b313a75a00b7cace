#!/usr/bin/env bash
# Ours and four other resolvers, side by side on the miniature Internet: the same
# questions, the answers compared. 20,000 of them, or 1,000 with --small. Needs root
# (port 53, a network namespace) and the programs of install.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
count=20000
[ "${1:-}" != --small ] || { count=1000 && shift; }

if [ "$(id -u)" != 0 ]; then
	echo "side by side: left out, since it needs root" >&2
	[ "${CI:-}" != true ] || exit 1
	exit 0
fi
if ! bash bench/install.sh; then
	echo "side by side: left out, since programs are missing" >&2
	[ "${CI:-}" != true ] || exit 1
	exit 0
fi

mkdir -p build
CGO_ENABLED=0 go build -o build/recourse ./cmd/recourse
(cd bench && CGO_ENABLED=0 go build -o ../build/sidebyside ./sidebyside)

# Nothing else is on port 53 there, and nothing gets out.
exec unshare --net bash -c 'ip link set lo up && exec "$@"' - \
	build/sidebyside --recourse build/recourse --questions "$count" "$@"
