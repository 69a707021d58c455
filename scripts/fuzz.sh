#!/usr/bin/env bash
# Runs every fuzz target there is, found by its name, with equal shares of
# FUZZ_SECONDS (120 unless set). A target that fails is named, its input is kept
# by go test under testdata/fuzz of its package, and the others still run.
set -uo pipefail

readonly LEAST_SECONDS=2

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
total=${FUZZ_SECONDS:-120}

mapfile -t targets < <(grep -rHoE --include='*_test.go' --exclude-dir=testdata '^func Fuzz[A-Za-z0-9_]*' cmd internal test 2>/dev/null |
    sed -E 's#^(.*)/[^/]+:func (Fuzz.*)$#./\1 \2#' | sort)

if [ "${#targets[@]}" -eq 0 ]; then
    echo "fuzz: no target found; every parser has one, so this search is broken" >&2
    exit 1
fi

share=$((total / ${#targets[@]}))
[ "$share" -ge "$LEAST_SECONDS" ] || share=$LEAST_SECONDS
echo "fuzz: ${#targets[@]} targets, $share s each"

built=$(mktemp -d) || exit 1
trap 'rm -rf "$built"' EXIT
cache=$PWD/.cache/fuzz # what was found interesting; go test keeps it elsewhere, a built test must be told

failed=()
compiled=
for target in "${targets[@]}"; do
    read -r package name <<<"$target"
    if [ "$package" != "$compiled" ]; then # each package once, however many targets it has
        compiled=$package
        go test -c -fuzz . -vet off -o "$built/package.test" "$package" || {
            failed+=("$package does not compile")
            rm -f "$built/package.test"
        }
    fi
    [ -x "$built/package.test" ] || continue
    mkdir -p "$cache/$package/$name"
    (cd "$package" && "$built/package.test" -test.run '^$' -test.fuzz "^$name\$" -test.fuzztime "${share}s" \
        -test.fuzzcachedir "$cache/$package/$name") || failed+=("$package $name")
done

if [ "${#failed[@]}" -gt 0 ]; then
    printf 'fuzz: FAILED %s\n' "${failed[@]}"
    exit 1
fi
echo "fuzz: nothing found"
