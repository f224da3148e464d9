#!/usr/bin/env bash
# Install a Debian package whose program is missing: need.sh chromium drives browser tests, strace watches attacks.
set -euo pipefail
name=$1
command -v "$name" >/dev/null && exit 0
echo "安装 $name（测试需要）…"
run=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "需要管理员权限安装 $name：apt-get install $name" >&2; exit 1; }
    run=(sudo)
fi
"${run[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${run[@]}" apt-get install -y -qq --no-install-recommends "$name"
