"""Uploads kept as files below the data directory while they are read, and the datums a person may name."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from pathlib import Path, PurePath
from typing import Protocol

from data.store.files import disk_in_words

UPLOADS = "cache/uploads"
DATUMS = {
    "": "请选择",
    "wgs84": "WGS84（GPS、OpenStreetMap、天地图）",
    "cgcs2000": "CGCS2000（国家 2000，测绘成果）",
    "gcj02": "GCJ-02（高德、腾讯）",
    "bd09": "BD-09（百度）",
}
_NAME = re.compile(r"[^\w.()（）\-]+")
_CHUNK = 1 << 20
_STALE_SECONDS = 86_400.0


class Upload(Protocol):
    """What a file uploader hands over."""

    name: str

    def seek(self, offset: int) -> int:
        """Go to a place in the file."""

    def read(self, size: int) -> bytes:
        """Return the next bytes."""


def keep_upload(data_dir: Path, upload: Upload) -> Path:
    """Write an upload below the data directory and return its path, in a folder of its own.

    Only the last part of its name is kept, without anything that a file system or a path could trip over.
    Raises ``DiskError``, and keeps nothing, when there is no room.
    """
    below = data_dir / UPLOADS
    with disk_in_words("保存上传的文件"):
        below.mkdir(parents=True, exist_ok=True)
        _remove_stale(below)
        folder = Path(tempfile.mkdtemp(dir=below))
        path = folder / safe_name(upload.name)
        upload.seek(0)
        try:
            with path.open("wb") as handle:
                while chunk := upload.read(_CHUNK):
                    handle.write(chunk)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    return path


def _remove_stale(below: Path) -> None:
    """Remove what sessions left behind that ended without an import."""
    for folder in below.iterdir():
        if time.time() - folder.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def safe_name(name: str) -> str:
    """Return a file name that is only a file name: no folders, no control characters, at most 120 long."""
    last = PurePath(name.replace("\\", "/")).name
    plain = _NAME.sub("_", last).strip("._ ") or "upload"
    return plain if len(plain) <= 120 else plain[-120:].lstrip("._ ")
