#!/bin/sh
# chromium.sh <python>: see to it that the browser tests find a Chromium: the system's, else one from its package manager
# (as root), else Playwright's own.
set -eu

python=$1

for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null && exit 0
done

install_with_package_manager() {
    if command -v brew >/dev/null; then
        brew install --cask chromium # wants an ordinary user
    elif [ "$(id -u)" != 0 ]; then
        return 1
    elif command -v apt-get >/dev/null; then
        apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q chromium
    elif command -v dnf >/dev/null; then
        dnf install -y -q chromium
    elif command -v pacman >/dev/null; then
        pacman -Sy --noconfirm chromium
    else
        return 1
    fi
}

echo "No Chromium here; installing one for the browser tests"
log=$(mktemp)
install_with_package_manager >"$log" 2>&1 || "$python" -m playwright install chromium >>"$log" 2>&1 || {
    tail -n 15 "$log" >&2
    echo "No Chromium could be installed; log: $log" >&2
    exit 1
}
rm -f "$log"
