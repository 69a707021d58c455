#!/usr/bin/env bash
# A private PostgreSQL for tests: a cluster of its own in a temporary folder, on
# a free port of the loopback interface, with a random password.
#
#   eval "$(scripts/postgres.sh start)"   start it (or find it running) and set HUIYIN_TEST_POSTGRES
#   scripts/postgres.sh url               print its URL
#   scripts/postgres.sh stop              stop it and delete it
#
# A cluster that Debian started by itself is never touched: its port, its
# password and its settings are its owner's business. fsync stays on, since the
# promises under test are about what survives a crash.
set -euo pipefail

readonly START_TRIES=10
readonly START_SECONDS=60
readonly LOCK_SECONDS=90
readonly MAX_CONNECTIONS=200

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
state=${HUIYIN_POSTGRES_STATE:-$root/.cache/postgres} # a file: the cluster's folder, then its URL

say() { printf 'postgres.sh: %s\n' "$*" >&2; }

# The newest server on this machine: Debian keeps it off PATH.
find_bin() {
    local found
    found=$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -t/ -k5,5V | tail -n 1)
    [ -x "$found" ] || found=$(command -v initdb || true)
    if [ ! -x "$found" ]; then
        say "no PostgreSQL server found; on Debian: apt-get install postgresql"
        return 1
    fi
    dirname "$found"
}

# PostgreSQL refuses to run as root, so there it runs as the user its package made.
as_owner() {
    if [ "$(id -u)" -ne 0 ]; then
        "$@"
    elif command -v setpriv >/dev/null; then
        setpriv --reuid postgres --regid postgres --init-groups "$@"
    else
        local line
        printf -v line '%q ' "$@"
        su postgres -s /bin/sh -c "$line"
    fi
}

folder() { sed -n 1p "$state"; }
url() { sed -n 2p "$state"; }

running() {
    [ -s "$state" ] || return 1
    local pid
    pid=$(head -n 1 "$(folder)/data/postmaster.pid" 2>/dev/null) || return 1
    kill -0 "$pid" 2>/dev/null
}

lock() {
    mkdir -p "$(dirname "$state")"
    local waited=0
    until mkdir "$state.lock" 2>/dev/null; do
        waited=$((waited + 1))
        if [ "$waited" -gt "$LOCK_SECONDS" ]; then
            say "another start or stop holds $state.lock; if none is running, remove that folder"
            return 1
        fi
        sleep 1
    done
    trap 'rmdir "$state.lock" 2>/dev/null || true' EXIT
}

# Deletes the folder the state names, and the state.
discard() {
    [ -s "$state" ] || return 0
    case "$(folder)" in
    */huiyin-postgres.*) rm -rf "$(folder)" ;;
    esac
    rm -f "$state"
}

create() { # create BIN DIR PASSWORD
    printf '%s\n' "$3" >"$2/password"
    [ "$(id -u)" -ne 0 ] || chown -R postgres: "$2"
    as_owner "$1/initdb" --pgdata="$2/data" --username=huiyin --pwfile="$2/password" \
        --auth=scram-sha-256 --encoding=UTF8 --locale=C >"$2/initdb.log" 2>&1 || {
        cat "$2/initdb.log" >&2
        return 1
    }
    cat >>"$2/data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = $MAX_CONNECTIONS
shared_buffers = 256MB
max_wal_size = 2GB
fsync = on
synchronous_commit = on
timezone = 'UTC'
log_timezone = 'UTC'
CONF
}

start() {
    lock
    if running; then
        printf "export HUIYIN_TEST_POSTGRES='%s'\n" "$(url)"
        return
    fi
    discard # what a killed server may have left
    local bin dir password port try
    bin=$(find_bin)
    dir=$(mktemp -d "${TMPDIR:-/tmp}/huiyin-postgres.XXXXXX")
    password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    cd "$dir"
    create "$bin" "$dir" "$password"
    for ((try = 1; try <= START_TRIES; try++)); do
        port=$((20000 + RANDOM % 10000))
        # Away from our own stdin and stdout, or $(…) around us would wait for the server to end.
        if as_owner "$bin/pg_ctl" start --silent --wait --timeout="$START_SECONDS" --pgdata="$dir/data" \
            --log="$dir/server.log" --options="-p $port" </dev/null >/dev/null 2>&1; then
            printf '%s\n%s\n' "$dir" "postgres://huiyin:$password@127.0.0.1:$port/postgres?sslmode=disable" >"$state"
            chmod 600 "$state"
            printf "export HUIYIN_TEST_POSTGRES='%s'\n" "$(url)"
            return
        fi
    done
    say "PostgreSQL did not start after $START_TRIES tries; its log:"
    tail -n 20 "$dir/server.log" >&2
    rm -rf "$dir"
    return 1
}

stop() {
    lock
    if running; then
        # Immediately: nobody will read this cluster again.
        (cd "$(folder)" && as_owner "$(find_bin)/pg_ctl" stop --silent --mode=immediate --pgdata="$(folder)/data" >/dev/null)
    fi
    discard
}

case "${1:-}" in
start) start ;;
stop) stop ;;
url)
    running || {
        say 'not running; start it with: eval "$(scripts/postgres.sh start)"'
        exit 1
    }
    url
    ;;
*)
    say "usage: scripts/postgres.sh start|stop|url"
    exit 2
    ;;
esac
