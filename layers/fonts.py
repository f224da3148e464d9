"""The Chinese typeface: slices and a font file cut from a packaged font, and every text it must show."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont, woff2
from fontTools.varLib import instancer

from geo.errors import SutuError

FAMILY = "Sutu Sans"
_PACKAGE = "justmytype_intl_cjk"
_SOURCE = "fonts/ofl/notosanssc/NotoSansSC[wght].ttf"
# Raise when the way of cutting changes, so that no cache of the older way is used.
_RECIPE = 2
_FEATURES = ["kern", "locl", "palt", "tnum", "pnum", "ccmp", "liga"]
_REGULAR_WEIGHT = 400

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class FontSet:
    """What was cut: a folder with ``fonts.css`` and slices for browsers, and one font file for figures."""

    folder: Path
    core: Path
    regular: Path

    @property
    def css(self) -> Path:
        """The style sheet that declares the family, one ``@font-face`` per slice."""
        return self.folder / "fonts.css"


class FontError(SutuError, LookupError):
    """The fonts are not ready, or lack characters of a text."""


_installed: list[FontSet] = []


def install(fonts: FontSet) -> None:
    """Make a cut the one this process uses: its pages, and its figures."""
    _installed[:] = [fonts]


def installed() -> FontSet | None:
    """Return the cut in use, or None when the server has not made one yet."""
    return _installed[0] if _installed else None


def common_characters() -> frozenset[str]:
    """Return the characters every cut holds: Latin with accents, GB 2312, and the signs that texts use."""
    return frozenset(_latin_and_signs() | set(_gb2312()))


def _latin_and_signs() -> set[str]:
    signs = "‘’“”…—–·•′″‰℃㎡㎢≤≥≈≠×÷±−√∞→←↑↓↗↘▲▼△▽●○■□◆◇★☆⚠✓✕©®²³¹½¼、。〇"
    latin = {chr(code) for code in (*range(0x20, 0x7F), *range(0xA0, 0x180))}
    return latin | set(signs)


def _gb2312() -> Iterable[str]:
    for high in range(0xA1, 0xF8):
        for low in range(0xA1, 0xFF):
            try:
                yield bytes((high, low)).decode("gb2312")
            except UnicodeDecodeError:
                continue


def prepare_fonts(cache: Path, text: str = "", progress: Progress | None = None) -> FontSet:
    """Return the fonts cut for ``text``; cut them when the cache does not hold them yet (about 45 s, once).

    ``cache`` is the folder for results that can be made again; the fonts go to ``cache/fonts-<key>``, where
    the key covers the source font, the characters and this recipe. The characters of ``text`` come with Latin
    and signs in the first slice, which every page loads; the rest of GB 2312 in three more, the more common
    characters first, which a browser fetches when it needs them. The folder appears complete or not at all,
    also when several processes cut at once. ``progress`` is told (step in Chinese, fraction done).
    """
    own = {char for char in text if ord(char) >= 0x20}
    wanted = set(common_characters()) | own
    first = wanted & (_latin_and_signs() | own)
    folder = cache / f"fonts-{_key(wanted, first)}"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix="building-fonts-", dir=cache))
        try:
            _cut(building, wanted, first, progress or (lambda _step, _done: None))
            _publish(building, folder)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return FontSet(folder, next(folder.glob("core-*.woff2")), folder / "SutuSans-Regular.ttf")


def _publish(building: Path, folder: Path) -> None:
    """Put a complete cut in place; when another process was first, theirs stays: it is the same."""
    building.chmod(0o755)
    try:
        building.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def _source() -> Path:
    return Path(str(resources.files(_PACKAGE))) / _SOURCE


def _key(wanted: set[str], first: set[str]) -> str:
    parts = (
        str(_RECIPE),
        metadata.version(_PACKAGE.replace("_", "-")),
        "".join(sorted(wanted)),
        "".join(sorted(first)),
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _cut(folder: Path, wanted: set[str], first: set[str], progress: Progress) -> None:
    progress("裁剪中文字体", 0.0)
    variable = folder / "all.ttf"
    covered = _subset(_source(), wanted, variable)
    progress("生成制图字体", 0.15)
    _instantiate(variable, folder / "SutuSans-Regular.ttf")
    core = {code for code in covered if chr(code) in first}
    common = sorted(code for code in covered - core if not _is_second_level(chr(code)))
    rare = sorted(covered - core - set(common))
    half = len(rare) // 2
    slices = {"core": core, "more1": set(common), "more2": set(rare[:half]), "more3": set(rare[half:])}
    rules = []
    for number, (name, codes) in enumerate(slices.items()):
        progress("生成网页字体", 0.35 + 0.15 * number)
        if not codes:
            continue
        rules.append(_face(_web_font(variable, codes, folder, name), codes))
    (folder / "fonts.css").write_text("\n".join(rules), encoding="utf-8")
    variable.unlink()
    progress("字体就绪", 1.0)


def _is_second_level(char: str) -> bool:
    """Tell whether GB 2312 counts the character among the less common ones (rows 56 to 87)."""
    try:
        return char.encode("gb2312")[0] >= 0xD8
    except UnicodeEncodeError:
        return False


def _subset(source: Path, wanted: set[str], target: Path) -> set[int]:
    """Write the wanted characters of ``source`` and return the code points it has of them."""
    with TTFont(source, lazy=True) as font:
        options = subset.Options()
        options.layout_features = _FEATURES
        options.hinting = False
        options.notdef_outline = True
        options.drop_tables += ["DSIG", "vhea", "vmtx", "VORG"]
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=[ord(char) for char in wanted])
        cutter.subset(font)
        font.save(target)
        return set(font.getBestCmap())


def _instantiate(variable: Path, target: Path) -> None:
    """Write the regular weight as a plain TrueType file, for programs that cannot set an axis."""
    with TTFont(variable) as font:
        plain = instancer.instantiateVariableFont(font, {"wght": _REGULAR_WEIGHT})
        for record in plain["name"].names:
            if record.nameID in {1, 16}:
                record.string = FAMILY
            elif record.nameID in {2, 17}:
                record.string = "Regular"
            elif record.nameID in {3, 4, 6}:
                record.string = "SutuSans-Regular"
        plain["OS/2"].usWeightClass = _REGULAR_WEIGHT
        plain.save(target)


def _web_font(variable: Path, codes: set[int], folder: Path, name: str) -> str:
    """Write one WOFF2 slice, named by its content so that browsers may keep it for ever; return its name."""
    raw = folder / f"{name}.ttf"
    _subset(variable, {chr(code) for code in codes}, raw)
    with TTFont(raw) as font:
        font.flavor = "woff2"
        # Without the outline transform the file is 8 % larger and made in two thirds of the time.
        font.flavorData = woff2.WOFF2FlavorData(transformedTables=())
        font.save(folder / name)
    raw.unlink()
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()[:12]
    final = f"{name}-{digest}.woff2"
    (folder / name).rename(folder / final)
    return final


def _face(file: str, codes: set[int]) -> str:
    return (
        f'@font-face {{ font-family: "{FAMILY}"; font-weight: 100 900; font-display: swap; '
        f'src: url("{file}") format("woff2"); unicode-range: {unicode_range(codes)}; }}'
    )


def unicode_range(codes: Iterable[int]) -> str:
    """Return code points as a CSS ``unicode-range``: sorted, neighbours joined (``U+20-7E,U+4E00``)."""
    runs: list[list[int]] = []
    for code in sorted(set(codes)):
        if runs and code == runs[-1][1] + 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return ",".join(f"U+{low:X}" if low == high else f"U+{low:X}-{high:X}" for low, high in runs)


ROOMS = ("geo", "data", "layers", "analysis", "exports", "reports", "pages", "server")
_ENDINGS = frozenset({".csv", ".yaml", ".py", ".js", ".css", ".html"})


def texts() -> str:
    """Return the texts of all rooms, of every folder in them, one after another."""
    return "".join(
        path.read_text(encoding="utf-8")
        for room in ROOMS
        for path in sorted(Path(str(resources.files(room))).rglob("*"))
        if path.suffix in _ENDINGS
    )
