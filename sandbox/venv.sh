#!/bin/sh
# venv.sh <venv> <run|dev>: the virtual environment with exactly the pinned packages, made or brought up to date.
#
# What was installed is remembered as a checksum of the pins, so that an up-to-date environment costs nothing. `dev` is a
# superset of `run` (requirements-dev.txt is resolved against requirements.txt), so either serves `make run`.
#
# PYTHON says which interpreter; else it is python3, or the system's own if that is much quicker: the same Python takes half as
# long again for everything where it was compiled without what its makers advise, as version managers do it.
set -eu

venv=$1 kind=$2
python=${PYTHON:-python3}
systems="/usr/bin/python3 /usr/local/bin/python3"

fail() {
    echo "$1" >&2
    exit 1
}

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

quickness() { # in microseconds: less is better
    "$1" "$(dirname "$0")/quickness.py"
}

# An interpreter that is a third slower, or too old, makes way. Debian's own can make no environment without python3-venv.
quicker() {
    new_enough "$1" && "$1" -c 'import ensurepip, venv' 2>/dev/null || return 1
    new_enough "$python" || return 0
    [ $(($(quickness "$1") * 4)) -lt $(($(quickness "$python") * 3)) ]
}

case $kind in
    run) requirements=requirements.txt ;;
    dev) requirements=requirements-dev.txt ;;
    *) fail "venv.sh: run or dev, not $kind" ;;
esac

if ! new_enough "$venv/bin/python"; then
    if [ -z "${PYTHON:-}" ]; then
        for one in $systems; do
            if quicker "$one"; then python=$one; fi
        done
    fi
    command -v "$python" >/dev/null || fail "There is no $python here. Sagabox needs Python 3.11 or newer: make run PYTHON=/path/to/python3.12"
    new_enough "$python" || fail "$python is $("$python" -V 2>&1), and Sagabox needs 3.11 or newer: make run PYTHON=/path/to/python3.12"
    echo "Making a virtual environment in $venv with $python ($("$python" -V))"
    rm -rf "$venv"
    "$python" -m venv "$venv" || fail "That did not work (on Debian and Ubuntu: apt-get install python3-venv)"
fi

sum=$(cksum <"$requirements")
[ "$sum" = "$(cat "$venv/.installed-$kind" 2>/dev/null || true)" ] && exit 0

log=$venv/install.log
started=$(date +%s)
echo "Installing the pinned packages of $requirements ..."
if ! "$venv/bin/python" -m pip install --disable-pip-version-check --require-hashes -r "$requirements" >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    fail "Installing the packages failed; log: $log"
fi
printf '%s\n' "$sum" >"$venv/.installed-$kind"
[ "$kind" = dev ] && cksum <requirements.txt >"$venv/.installed-run"
echo "Installed in $(($(date +%s) - started)) s"
