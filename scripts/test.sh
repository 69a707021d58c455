#!/usr/bin/env bash
# Runs the test suites, each inside its minutes, and prints how long each took.
#
#   scripts/test.sh all | SUITE...      suites: build unit faults race fuzz end
#
# A suite that fails or runs out of time doesn't keep the next from running;
# the whole fails at the end. Nothing is skipped silently: what can't be tried
# here is said in the summary.
set -uo pipefail

readonly DATA_SETS_HINT='set HUIYIN_DATA to the folder of data sets to run them'

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
root=$PWD
mkdir -p .cache

# Minutes a suite may take on two cores. They are bounds: on an idle machine all
# of it ends within 30 minutes.
minutes_of() {
    case "$1" in
    build) echo 5 ;; # a cold build cache takes three
    unit) echo 9 ;;
    race) echo 9 ;;
    faults) echo 10 ;; # compiles the simulation some thirty times
    fuzz) echo 5 ;; # two of them fuzzing, the rest compiling
    end) echo 10 ;;
    *) return 1 ;;
    esac
}

suite_build() { go build -buildvcs=false ./... && go vet ./...; }
suite_unit() {
    local packages
    packages=$(go list ./internal/... ./cmd/... | grep -v '/internal/trial/faults$') || return 1
    # shellcheck disable=SC2086
    go test -timeout 9m $packages
}

# Mistakes planted one by one in the source; each must be found by the simulation.
suite_faults() { go test -timeout 10m -v ./internal/trial/faults | grep -v '^=== '; }
suite_fuzz() { scripts/fuzz.sh; }

# Under the race detector a test takes ten times as long, so it looks where goroutines meet:
# the platform, channels and loops on both engines, the rooms above them on PostgreSQL, which
# really runs them side by side (SQLite has one writer, raced in the platform). What would say
# nothing new stays out: trial is one goroutine by design; decide, program and measure compute
# in one; bench measures; demo and test/ are processes of their own.
suite_race() {
    local all heart rest
    all=$(go list ./internal/... | grep -vE '/internal/(trial|bench|demo|decide|program|measure|widget|replay)(/|$)') || return 1
    heart=$(grep -E '/internal/(platform|channel|contact|engine)(/|$)' <<<"$all")
    rest=$(grep -vE '/internal/(platform|channel|contact|engine)(/|$)' <<<"$all")
    # shellcheck disable=SC2086
    CGO_ENABLED=1 go test -race -timeout 9m $heart && CGO_ENABLED=1 go test -race -timeout 9m -skip '.*/^sqlite$' $rest
}

# End to end: the real binary as a process of its own.
suite_end() {
    [ -d test ] || {
        echo "test/ is missing: there is no end-to-end suite to run"
        return 1
    }
    go test -timeout 10m ./test/...
}

# --- the private PostgreSQL ---

sweep_clusters() { # clusters of test runs that were killed
    local state owner
    for state in .cache/postgres-test.*; do
        owner=${state##*.}
        [[ $owner =~ ^[0-9]+$ ]] || continue
        kill -0 "$owner" 2>/dev/null || HUIYIN_POSTGRES_STATE=$root/$state scripts/postgres.sh stop
    done
}

start_postgres() {
    [ -z "${HUIYIN_TEST_POSTGRES:-}" ] || return 0 # somebody brought their own
    sweep_clusters
    export HUIYIN_POSTGRES_STATE=$root/.cache/postgres-test.$$
    trap 'scripts/postgres.sh stop' EXIT
    local setting
    setting=$(scripts/postgres.sh start) || return 1
    eval "$setting"
}

# --- running and telling ---

summary=()
failed=0
running=

stop_early() {
    [ -z "$running" ] || { kill -TERM "$running" && wait "$running"; } 2>/dev/null
    exit 130
}
trap stop_early INT TERM

run_suite() {
    local name=$1 minutes started status took
    minutes=$(minutes_of "$name")
    printf '\n== %s (at most %s min)\n' "$name" "$minutes"
    started=$SECONDS
    # In the background and waited for, so that Ctrl-C reaches us at once; timeout
    # then passes it on to everything the suite has started.
    timeout --kill-after=15 "${minutes}m" bash -c "set -uo pipefail; suite_$name" &
    running=$!
    wait "$running"
    status=$?
    running=
    took=$((SECONDS - started))
    case "$status" in
    0) summary+=("$(printf '%-6s ok      %4d s of %d' "$name" "$took" $((minutes * 60)))") ;;
    124 | 137)
        summary+=("$(printf '%-6s OUT OF TIME after %d s' "$name" "$took")")
        failed=1
        ;;
    *)
        summary+=("$(printf '%-6s FAILED  %4d s' "$name" "$took")")
        failed=1
        ;;
    esac
}

say_data() {
    if [ -n "${HUIYIN_DATA:-}" ] && [ -d "$HUIYIN_DATA" ]; then
        HUIYIN_DATA=$(cd "$HUIYIN_DATA" && pwd) # tests run in their own folders
        export HUIYIN_DATA
        echo "Real data sets: $(ls "$HUIYIN_DATA" | wc -l) in HUIYIN_DATA"
        return
    fi
    if [ -n "${HUIYIN_DATA:-}" ]; then
        echo "HUIYIN_DATA names a folder that is not there: $HUIYIN_DATA" >&2
        exit 2
    fi
    echo '********************************************************************'
    echo '* HUIYIN_DATA IS NOT SET: THE TESTS ON REAL DATA SETS DO NOT RUN.  *'
    echo "* $DATA_SETS_HINT."
    echo '********************************************************************'
}

main() {
    local suites=("$@") name
    [ "${*:-all}" = all ] && suites=(build unit faults race fuzz end)
    for name in "${suites[@]}"; do
        minutes_of "$name" >/dev/null || {
            echo "test.sh: no suite is called $name; there are build, unit, faults, race, fuzz, end" >&2
            exit 2
        }
    done
    scripts/setup.sh || exit 1
    say_data
    start_postgres || exit 1
    for name in "${suites[@]}"; do run_suite "$name"; done

    printf '\n== summary, %d s in all\n' "$SECONDS"
    printf '%s\n' "${summary[@]}"
    [ -n "${HUIYIN_DATA:-}" ] || echo "real data sets: NOT TRIED ($DATA_SETS_HINT)"
    exit "$failed"
}

export -f suite_build suite_unit suite_faults suite_race suite_fuzz suite_end
main "$@"
