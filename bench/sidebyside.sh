#!/usr/bin/env bash
# Ours and four other resolvers, side by side on the miniature Internet: the same
# questions, the answers compared. 20,000 of them, or 1,000 with --small. Needs root
# (port 53) and the programs of install.sh. What else is given goes to the program,
# such as --ask "www.signed.example A".
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

exec bash bench/alone.sh build/sidebyside --recourse build/recourse --questions "$count" "$@"
