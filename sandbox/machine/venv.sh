#!/bin/sh
# venv.sh <venv> <run|dev>: the virtual environment with exactly the pinned packages, made or brought up to date by venv.py. This
# script finds the Python for it, and checks PORT before anything is made.
#
# PYTHON says which interpreter; else it is python3, or the system's own if that is quicker: the same Python takes up to half as
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

speed_of() { # in microseconds: less is better
    "$1" "$(dirname "$0")/interpreter_speed.py"
}

# An interpreter that is slower, or too old, makes way. Debian's own can make no environment without python3-venv.
quicker() {
    new_enough "$1" && "$1" -c 'import ensurepip, venv' 2>/dev/null || return 1
    new_enough "$python" || return 0
    [ "$(speed_of "$1")" -lt "$(speed_of "$python")" ]
}

if new_enough "$venv/bin/python"; then
    python=$venv/bin/python
else
    if [ -z "${PYTHON:-}" ]; then
        for one in $systems; do
            if quicker "$one"; then python=$one; fi
        done
    fi
    command -v "$python" >/dev/null || fail "There is no $python here. Sagabox needs Python 3.11 or newer: make run PYTHON=/path/to/python3.12"
    version=$("$python" -V 2>/dev/null) || fail "$python does not run here. Sagabox needs Python 3.11 or newer: make run PYTHON=/path/to/python3.12"
    new_enough "$python" || fail "$python is $version, and Sagabox needs 3.11 or newer: make run PYTHON=/path/to/python3.12"
fi

"$python" sandbox/machine/address.py
exec "$python" sandbox/machine/venv.py "$venv" "$kind"
