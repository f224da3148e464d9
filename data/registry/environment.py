"""Every environment variable that this program reads: its name, what it does, and what holds without it.

Read at the moment of use: a test, or a service's own settings, may change them while the process runs. The
page docs/guide/settings.md lists them; a test compares the two.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

_OFF: Final = frozenset({"off", "0", "no", "false"})


@dataclass(frozen=True)
class Variable:
    """One variable: its name, what it does and what holds when it is unset or blank (Chinese)."""

    name: str
    purpose: str
    without: str

    def __str__(self) -> str:
        """Return the name, as messages show it."""
        return self.name

    def value(self) -> str | None:
        """Return what it is set to, without blanks around it; None when it is unset or blank."""
        return os.environ.get(self.name, "").strip() or None

    def is_off(self) -> bool:
        """Return whether a switch is set to off, 0, no or false; it is on otherwise, also when unset."""
        return (self.value() or "").lower() in _OFF


DATA_DIR: Final = Variable(
    "SUTU_DATA_DIR",
    "数据目录：数据库、导入的数据、记录和缓存都在里面，备份这一个目录即可",
    "当前目录下的 `var`",
)
EXPORT_DIR: Final = Variable("SUTU_EXPORT_DIR", "命令导出图层时只能写到这个目录之内", "任何目录都可以写")
LIMITS: Final = Variable("SUTU_LIMITS", "本单位自己的上限表（YAML 文件）", "用随程序附带的上限")
ALLOWED_HOSTS: Final = Variable(
    "SUTU_ALLOWED_HOSTS", "除监听的地址外，服务器还应答的名字，用逗号分开", "只应答监听的地址"
)
OGC: Final = Variable("SUTU_OGC", "设为 `off` 时关闭 `/ogc` 图层服务", "开着")
OGC_RUNS: Final = Variable("SUTU_OGC_RUNS", "设为 `off` 时图层服务不列出已记录的分析", "列出")
TIANDITU_KEY: Final = Variable("SUTU_TIANDITU_KEY", "天地图密钥：地图底下铺天地图（需要互联网）", "没有底图")
OSM_EXTRACT_URL: Final = Variable(
    "SUTU_OSM_EXTRACT_URL", "下载 OpenStreetMap 数据包的地址，如单位内的镜像", "登记表里的地址"
)
OSM_PROXY: Final = Variable("SUTU_OSM_PROXY", "下载时经过的代理，写作 `http://主机:端口`", "直接连接")

VARIABLES: Final = (
    DATA_DIR,
    EXPORT_DIR,
    LIMITS,
    ALLOWED_HOSTS,
    OGC,
    OGC_RUNS,
    TIANDITU_KEY,
    OSM_EXTRACT_URL,
    OSM_PROXY,
)
