#!/usr/bin/env bash
# The browser tests drive Debian's chromium; install it where it is missing.
set -euo pipefail
command -v chromium >/dev/null && exit 0
echo "安装 chromium（浏览器测试需要）…"
run=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "需要管理员权限安装 chromium：apt-get install chromium" >&2; exit 1; }
    run=(sudo)
fi
"${run[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${run[@]}" apt-get install -y -qq --no-install-recommends chromium
