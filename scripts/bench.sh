#!/usr/bin/env bash
# Every benchmark on both engines, one after the other, since two at once would
# measure each other. Results, one JSON object a line, in .cache/bench/DATE.ndjson.
#
#   scripts/bench.sh [NAME...]
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
names=("$@")
[ "$#" -gt 0 ] || names=(intake route dispatch decide send)

scripts/setup.sh || exit 1
mkdir -p .cache/bench
results=.cache/bench/$(date -u +%Y%m%dT%H%M%SZ).ndjson
folder=$(mktemp -d "${TMPDIR:-/tmp}/huiyin-bench.XXXXXX")
export HUIYIN_POSTGRES_STATE=$PWD/.cache/postgres-bench.$$
trap 'scripts/postgres.sh stop; rm -rf "$folder"' EXIT
setting=$(scripts/postgres.sh start) || exit 1
eval "$setting"

failed=0
for name in "${names[@]}"; do
    for url in "sqlite:$folder/$name.db" "$HUIYIN_TEST_POSTGRES"; do
        if ./bin/huiyin bench "$name" --database "$url" --json >"$folder/output"; then
            tail -n 1 "$folder/output" | tee -a "$results"
        else
            echo "bench: $name FAILED on ${url%%:*}"
            failed=1
        fi
    done
done
echo "bench: results in $results"
exit "$failed"
