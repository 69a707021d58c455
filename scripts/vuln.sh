#!/usr/bin/env bash
# Known vulnerabilities in code that ours really calls. Judged by the database
# in $HUIYIN_DATA/vulndb, a snapshot, so that a build needs no network and the
# same commit gets the same answer; without HUIYIN_DATA it asks vuln.go.dev.
set -euo pipefail

readonly GOVULNCHECK=golang.org/x/vuln/cmd/govulncheck@v1.1.4

cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ -n "${HUIYIN_DATA:-}" ]; then
    archive=$HUIYIN_DATA/vulndb/vdb.tgz
    [ -f "$archive" ] || {
        echo "vuln: $archive is missing" >&2
        exit 1
    }
    folder=$PWD/.cache/vulndb
    mkdir -p "$folder"
    tar xzf "$archive" -C "$folder"
    exec go run "$GOVULNCHECK" -db "file://$folder/vdb" -test ./...
fi

echo 'vuln: HUIYIN_DATA is not set, so https://vuln.go.dev is asked'
exec go run "$GOVULNCHECK" -test ./...
