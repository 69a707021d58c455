#!/usr/bin/env bash
# Formatting, mistakes and leftovers. Each tool is pinned and fetched by go run;
# five small ones come to 35 s on a cold cache and two cores, where the bundle
# that holds them all (golangci-lint) compiles for two minutes.
set -uo pipefail

readonly GOFUMPT=mvdan.cc/gofumpt@v0.12.0
readonly STATICCHECK=honnef.co/go/tools/cmd/staticcheck@v0.8.2
readonly ERRCHECK=github.com/kisielk/errcheck@v1.30.0
readonly DEADCODE=golang.org/x/tools/cmd/deadcode@v0.52.0

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
mapfile -t folders < <(for f in cmd internal test; do [ -d "$f" ] && echo "$f"; done)
failed=0

complaints=$(mktemp)
trap 'rm -f "$complaints"' EXIT

# check NAME WHY COMMAND...: a tool that fails, or prints a finding, has found something.
check() {
    local name=$1 why=$2 findings
    shift 2
    # What go says while it fetches a tool goes to stderr and is no finding.
    if findings=$("$@" 2>"$complaints") && [ -z "$findings" ]; then
        printf 'lint: %-12s ok\n' "$name"
        return
    fi
    printf 'lint: %-12s FAILED (%s)\n' "$name" "$why"
    [ -z "$findings" ] || printf '%s\n' "$findings"
    grep -v '^go: downloading' "$complaints"
    failed=1
}

check gofumpt 'one format, so that changes show only what changed; make fmt mends it' go run "$GOFUMPT" -l "${folders[@]}"
check vet 'what the compiler lets pass and is nearly always wrong' go vet ./...
check staticcheck 'mistakes and outdated calls; staticcheck.conf says what is off and why' go run "$STATICCHECK" ./...
check errcheck 'an error is handled, or dropped with an explicit _ =' go run "$ERRCHECK" -blank=false -exclude scripts/errcheck.exclude ./...
check deadcode 'what no program and no test can reach is deleted' go run "$DEADCODE" -test ./...

exit "$failed"
