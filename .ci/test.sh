#!/usr/bin/env bash
# Runs all tests with the race detector and ends with the list of what was left
# out and why. With CI=true anything left out is a failure, but absent real data and what
# only runs with FULL=1.
set -uo pipefail
cd "$(dirname "$0")/.."
mkdir -p build
log=build/test.log

# SQLite's own code is C translated to Go, which is under locks of its own. To watch each of
# its accesses takes more than half of the time of whatever keeps something, and shows
# nothing of ours; all around it is watched. It may not be all of modernc.org: a package that
# instantiates generic code would give the whole program an unwatched copy of that.
race=(-race '-gcflags=modernc.org/sqlite/lib=-race=false')
export CGO_ENABLED=1
# A process with the detector sleeps a second before it exits, for races of what still runs
# then. Tests start hundreds of processes, which have closed everything by then.
export GORACE="atexit_sleep_ms=0 ${GORACE:-}"
if ! command -v "${CC:-gcc}" >/dev/null 2>&1; then
	race=()
	export CGO_ENABLED=0
	if [ "${CI:-}" = true ]; then
		echo "no C compiler: the race detector cannot run" >&2
		exit 1
	fi
fi

# Tests of processes mostly wait: three run beside each other on two cores.
go test "${race[@]}" -timeout 30m -parallel 3 -v ./... >"$log" 2>&1
status=$?
(cd bench && go test "${race[@]}" -timeout 15m -v ./...) >>"$log" 2>&1 || status=$?
grep -E '^(ok|FAIL|panic:|\?) ' "$log" | grep -v 'no test files'
if [ $status -ne 0 ]; then
	echo
	echo "what failed (all of it is in $log):"
	grep -E -B 20 '^ *--- FAIL' "$log" | grep -vE '^ *(=== |--- PASS)' | head -n 150
	grep -E -A 40 '^panic:|WARNING: DATA RACE|^\S+\.go:[0-9]+:[0-9]+: |^# ' "$log" | head -n 150
	exit $status
fi

# Figures that the end-to-end test measured on real lists.
grep -hE '^ +[a-z_]+_test\.go:[0-9]+: measured: ' "$log" | sed 's/^.*measured: /measured: /'

# A skipped test prints its reason on the line before.
left=$(awk '/^ +[A-Za-z0-9_]+\.go:[0-9]+: / {reason = $0; sub(/^ +[^ ]+ /, "", reason)}
	/^ *--- SKIP: / {print $3 ": " reason; reason = "no reason given"}' "$log")
echo
if [ ${#race[@]} -eq 0 ]; then left="race detector: needs a C compiler"$'\n'"$left"; fi
if [ -z "${left//[$'\n' ]/}" ]; then
	echo "nothing was left out"
	exit 0
fi
echo "left out:"
printf '%s\n' "$left" | sed 's/^/  /'
if [ "${CI:-}" = true ] && printf '%s\n' "$left" | grep -vE 'real data|FULL=1' | grep -q '[^ ]'; then
	echo "on CI nothing but absent real data and FULL=1 may be left out" >&2
	exit 1
fi
