"""What map sheets need beside a layer: font, outlines, names; and an atlas of one sheet per prefecture.

Nothing here is of Streamlit: the command line uses it too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from data.store.store import Store, data_dir
from exports.catalogue import clip_to
from exports.formats import Options, require_allowed
from exports.layers.kinds import Clip
from exports.package import Exported, export_files, safe_name
from exports.sheet import MOST_COUNTY_LABELS, ORIENTATIONS, PAGES_MM, SheetOptions, write_sheet
from geo.errors import ExportError
from geo.export_table import ExportTable
from layers.fonts import installed, prepare_fonts


def sheet_font() -> Path:
    """Return the font file of map sheets, cutting the fonts when no server has done so yet."""
    fonts = installed()
    if fonts is None:
        texts = [
            entry.read_text(encoding="utf-8")
            for package in ("data.facts", "data.registry")
            for entry in resources.files(package).iterdir()
            if entry.name.endswith((".csv", ".yaml"))
        ]
        fonts = prepare_fonts(data_dir() / "cache", "".join(texts))
    return fonts.regular


def sheet_options(
    store: Store, page: str, orientation: str, region: Clip | None, *, date: str, subtitle: str = ""
) -> SheetOptions:
    """Return the options of a sheet: names of counties where a region is shown, else of prefectures.

    Raises ``ExportError`` for another paper or orientation than there are.
    """
    if page not in PAGES_MM:
        raise ExportError(f"没有图幅“{page[:20]}”；可选：{'、'.join(PAGES_MM)}。")
    if orientation not in ORIENTATIONS:
        raise ExportError(f"没有方向“{orientation[:20]}”；可选：{'、'.join(ORIENTATIONS)}。")
    prefectures = store.regions("prefecture", zoom="prefecture")
    labels = prefectures
    if region is not None:
        counties = store.regions("county", zoom="prefecture")
        inside = counties[counties.index.isin(region.codes)]
        labels = inside if 0 < len(inside) <= MOST_COUNTY_LABELS else prefectures
    return SheetOptions(
        font=sheet_font(),
        province=prefectures,
        date=date,
        page=page,  # type: ignore[arg-type]
        orientation=orientation,  # type: ignore[arg-type]
        subtitle=subtitle,
        labels=labels,
        focus=None if region is None else region.shape,
    )


@dataclass(frozen=True)
class Atlas:
    """A sheet of the province and one of each prefecture; ``make`` gives the layer for a region."""

    store: Store
    make: Callable[[Clip | None], ExportTable]
    page: str
    orientation: str
    date: str

    def write(self, out: Path, options: Options, *, tell: Callable[[str, int, int], None]) -> Exported:
        """Draw every sheet and pack them as ``out``; a prefecture without a row is left out and named.

        All sheets have the classes of the province, so that they can be compared.
        """
        require_allowed(options)
        codes = list(self.store.region_table("prefecture").index)
        regions = [None, *(clip_to(self.store, code) for code in codes)]
        whole = self.make(None)

        def draw(folder: Path) -> tuple[list[Path], list[str]]:
            files, left_out = [], []
            for number, region in enumerate(regions):
                name = "江苏省" if region is None else region.name
                tell(f"画 {name}", number, len(regions))
                try:
                    table = whole if region is None else self.make(region)
                except ExportError:
                    left_out.append(f"{name}没有要素，未出图")
                    continue
                sheet = sheet_options(self.store, self.page, self.orientation, region, date=self.date)
                path = folder / f"{number:02d}_{safe_name(name)}.{options.format}"
                write_sheet(replace(table, values=whole.values), path, sheet, approval=options.approval)
                files.append(path)
            return files, left_out

        return export_files([whole], out, options, draw)
