#!/usr/bin/env bash
# Make the virtual environment and install the pinned, hashed dependencies: setup.sh VENV LOCKFILE
set -euo pipefail
venv=$1
lock=$2

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else echo "需要管理员权限执行：$*" >&2; exit 1
    fi
}

find_python() {
    local name
    for name in python3.11 python3; do
        if command -v "$name" >/dev/null && "$name" -c 'import sys; sys.exit(not sys.version_info[:2] == (3, 11))'; then
            echo "$name"
            return
        fi
    done
    echo "需要 Python 3.11，请先安装（Debian 12：apt-get install python3）。" >&2
    exit 1
}

python=$(find_python)
# Debian splits venv's ensurepip into a package of its own.
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    echo "安装 python3-venv …"
    as_root apt-get update -qq
    as_root apt-get install -y -qq --no-install-recommends python3-venv
fi

[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
echo "安装依赖（$lock）…"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
