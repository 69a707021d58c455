#!/usr/bin/env bash
# Installs what the tests need and this machine lacks. On Debian as root that is
# done from Debian's packages; elsewhere it says what to install and fails.
set -euo pipefail

missing=()
why=()

need() { # need CHECK REASON PACKAGE...
    local check=$1 reason=$2
    shift 2
    if ! eval "$check" >/dev/null 2>&1; then
        missing+=("$@")
        why+=("$* ($reason)")
    fi
}

need 'compgen -G "/usr/lib/postgresql/*/bin/initdb" || command -v initdb' 'the second database engine' postgresql
need 'command -v gcc || command -v cc' 'the race detector is linked by a C compiler' gcc libc6-dev
need 'command -v chromium' 'the pages are opened in a browser' chromium fonts-noto-cjk
need '[ -x /usr/sbin/postfix ]' 'mail is sent through a real mail server, and comes back from it' postfix
need 'command -v javac' 'the samples are compiled' openjdk-17-jdk-headless
need 'command -v node && command -v npm' 'the samples are compiled' nodejs npm
need 'command -v zbarimg' 'QR codes are read by a reader of somebody else' zbar-tools

# The TypeScript sample's compiler, as its lock file says.
sample_compiler() {
    [ -f samples/typescript/node_modules/typescript/bin/tsc ] || npm ci --prefix samples/typescript --no-audit --no-fund --silent
}

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
if [ "${#missing[@]}" -eq 0 ]; then
    sample_compiler
    exit
fi

if [ "$(id -u)" -eq 0 ] && [ -f /etc/debian_version ] && command -v apt-get >/dev/null; then
    echo "setup: installing ${missing[*]} from Debian's packages"
    export DEBIAN_FRONTEND=noninteractive
    # The tests run an instance of their own, on ports of their own; the machine's is left unconfigured.
    [[ " ${missing[*]} " != *" postfix "* ]] || echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
    apt-get update -qq
    apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
    sample_compiler
    exit
fi

echo "setup: the tests need these packages, by their Debian names; install them and try again:" >&2
printf '  %s\n' "${why[@]}" >&2
exit 1
