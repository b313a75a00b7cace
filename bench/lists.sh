#!/usr/bin/env bash
# What lists cost: see lists/doc.go. COUNTS may name other numbers of names.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd bench && CGO_ENABLED=0 go build -o "$work/lists" ./lists)
CGO_ENABLED=0 go test -c -o "$work/bundle.test" ./blocklists/bundle

# Each benchmark has a process of its own, so that none has another's memory.
run() {
	RECOURSE_BENCH_LISTS="$work/$1" GOMEMLIMIT=900MiB "$work/bundle.test" -test.run '^$' -test.bench "$2" -test.benchtime "$3" | grep '^Benchmark'
}

echo "targets: absent 500 ns, present 3000 ns; resident 12 octets an entry in the reference mix, 20 in the uniform;"
echo "         compile 1M 0.5 s, 10M 8 s in 1 GiB; open 10M 100 ms; add a name 100 ms; 30 octets an entry on the disk"
for count in ${COUNTS:-1000000 10000000}; do
	echo "== $count names in 20 lists"
	"$work/lists" --dir "$work/$count" --names "$count"
	run "$count" ListsCompile 1x
	echo "on the disk: $(($(stat -c %s "$work/$count"/bundles/generation-*.bundle) * 10 / count)) tenths of an octet an entry"
	run "$count" ListsOpen 5x
	for mix in absent reference uniform; do run "$count" "ListsMatch/$mix" 500000x; done
	run "$count" ListsWith 20x
	run "$count" ListsChanged 1x
	rm -rf "${work:?}/$count"
done
