#!/bin/sh
# venv.sh <venv> <run|dev>: the virtual environment with exactly the pinned packages, made or brought up to date.
#
# What was installed is remembered as a checksum of the pins, so that an up-to-date environment costs nothing. `dev` is a
# superset of `run` (requirements-dev.txt is resolved against requirements.txt), so either serves `make run`.
set -eu

venv=$1 kind=$2
python=${PYTHON:-python3}

fail() {
    echo "$1" >&2
    exit 1
}

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

case $kind in
    run) requirements=requirements.txt ;;
    dev) requirements=requirements-dev.txt ;;
    *) fail "venv.sh: run or dev, not $kind" ;;
esac

if ! new_enough "$venv/bin/python"; then
    command -v "$python" >/dev/null || fail "There is no $python here. Sagabox needs Python 3.11 or newer: make run PYTHON=/path/to/python3.12"
    new_enough "$python" || fail "$python is $("$python" -V 2>&1), and Sagabox needs 3.11 or newer: make run PYTHON=/path/to/python3.12"
    echo "Making a virtual environment in $venv with $("$python" -V)"
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
