#!/usr/bin/env bash
# Ours beside the peers: what a cached answer costs through each door, what a cold
# resolution costs, and what an attack costs us; see doors/doc.go, work/doc.go and
# attack/doc.go. Needs root (port 53), two cores and the programs of install.sh.
#
# Without arguments all of it. The first word chooses: doors, idle, cold or attacks; what
# follows goes to that program, such as: doors --doors UDP,TCP --only recourse,unbound
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "$(id -u)" != 0 ]; then
	echo "the comparison needs root" >&2
	exit 1
fi
bash bench/install.sh
mkdir -p build
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o build/recourse ./cmd/recourse
(cd bench && CGO_ENABLED=0 go build -o ../build/ ./doors ./work ./attack ./echo)

# Each in a network namespace of its own, on core 1; the servers are put on core 0. Doors
# puts its load there too and needs no core itself.
doors() { bash bench/alone.sh build/doors --recourse build/recourse --echo build/echo "$@"; }
cold() { bash bench/alone.sh taskset -c 1 build/work --recourse build/recourse "$@"; }
attacks() { bash bench/alone.sh taskset -c 1 build/attack --recourse build/recourse "$@"; }

case "${1:-}" in
doors | cold | attacks)
	"$@"
	;;
idle)
	shift
	doors --parts idle "$@"
	;;
"")
	status=0
	doors || status=$?
	cold || status=$?
	attacks || status=$?
	exit $status
	;;
*)
	echo "$1: not one of doors, idle, cold, attacks" >&2
	exit 2
	;;
esac
