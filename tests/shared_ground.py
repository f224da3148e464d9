"""The ground of a build, made once in a process for all tests whose builds rest on the same inputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from data.builder import build

_kept: dict[str, build.Ground] = {}
_made = build.make_ground


def share_ground(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let builds take the ground of an earlier build; one of other boundaries or people is still made."""

    def kept(data_dir: Path, begin: Callable[[str], None] | None = None) -> build.Ground:
        version = build.ground_version(data_dir)
        if version not in _kept:
            _kept[version] = _made(data_dir, begin)
        elif begin is not None:
            for step in build.GROUND_STEPS:
                begin(step)
        return _kept[version]

    monkeypatch.setattr(build, "make_ground", kept)
    monkeypatch.setattr(build, "make_ground", kept)


def make_it_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let builds make their ground themselves again."""
    monkeypatch.setattr(build, "make_ground", _made)
    monkeypatch.setattr(build, "make_ground", _made)
