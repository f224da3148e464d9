"""What a hostile file is: which door it knocks at, how it is made, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path


@dataclass(frozen=True)
class Scene:
    """What an attack finds on the machine.

    ``victim``: an SQLite file at hand; ``canary``: a folder in which nothing may appear; ``url``: the root of
    a listener on loopback that nobody may ask.
    """

    victim: Path
    canary: Path
    url: str


class Kind(StrEnum):
    """What a file is, and with that what is right."""

    attack = "attack"
    """Means to write or fetch: refused in words, nothing written, nothing fetched."""
    bait = "bait"
    """An ordinary file with something beside its data: taken or refused, and that is not followed."""
    heavy = "heavy"
    """Small, and costly to read: refused in words within the bounds of time and memory."""
    legal = "legal"
    """Large, and as it should be: taken in, within its time."""
    large = "large"
    """Much of what is right, more than anybody has: taken or refused in words, within its bounds."""
    traceback = "traceback"
    """Broken in a way that once ended in a traceback: refused in words."""


@dataclass(frozen=True)
class Case:
    """One hostile file: ``make(path, scene)`` writes it (and what lies beside it) always the same."""

    id: str
    door: str
    file: str
    make: Callable[[Path, Scene], object]
    kind: Kind
    quick: bool = False
    """Made and judged in a few seconds and a few hundred megabytes: part of ``make test``."""
    seconds: float = 30.0
    """How long the import may take."""

    def write(self, folder: Path, scene: Scene) -> Path:
        """Write the file into a folder of its own below ``folder`` and return its path."""
        home = folder / self.id
        home.mkdir(parents=True, exist_ok=True)
        path = home / self.file
        if not path.exists():
            # Who asked for an address is told by its path.
            self.make(path, replace(scene, url=f"{scene.url}/{self.id}"))
        return path
