#!/usr/bin/env bash
# Runs a command in a network namespace of its own, where nothing else is on port 53
# and nothing gets out. Where namespaces are forbidden it runs as it is: all that is
# asked is on loopback anyway.
set -euo pipefail
if unshare --net ip link set lo up 2>/dev/null; then
	exec unshare --net bash -c 'ip link set lo up && exec "$@"' - "$@"
fi
echo "no network namespace is allowed here: using this machine's loopback" >&2
exec "$@"
