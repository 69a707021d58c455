#!/usr/bin/env bash
# Simulates seed after seed, with faults, until stopped or SOAK_MINUTES are over.
# The next seed stands in .cache/soak/seed, so a later run goes on where this one
# was; every run's last line is kept in .cache/soak/runs.ndjson. The first seed
# that breaks a promise ends the run and is not passed over: run again to see it
# again.
#
#   SOAK_MINUTES=60 make soak           an hour of simulation
#   FUZZ_SECONDS=72000 make fuzz        long fuzzing (shared equally by all targets)
set -uo pipefail

readonly CUSTOMERS=${SOAK_CUSTOMERS:-2000}
readonly DAYS=${SOAK_DAYS:-30}

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
minutes=${SOAK_MINUTES:-0} # 0: until stopped
folder=.cache/soak
mkdir -p "$folder"
seed=$(cat "$folder/seed" 2>/dev/null || echo 1)

while [ "$minutes" -eq 0 ] || [ "$SECONDS" -lt $((minutes * 60)) ]; do
    if ! ./bin/huiyin simulate --customers "$CUSTOMERS" --days "$DAYS" --seed "$seed" --faults --json >"$folder/output"; then
        cat "$folder/output"
        echo "soak: seed $seed FAILED; again with: bin/huiyin simulate --customers $CUSTOMERS --days $DAYS --seed $seed --faults --json"
        exit 1
    fi
    tail -n 1 "$folder/output" | tee -a "$folder/runs.ndjson"
    seed=$((seed + 1))
    echo "$seed" >"$folder/seed"
done
echo "soak: no promise broken; the next seed is $seed"
