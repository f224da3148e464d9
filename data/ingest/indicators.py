"""Import indicators from a person's table: everything checked first, then written whole, or nothing at all.

A fact is known by region, indicator, year and source. Importing a source again adds what is new and puts
corrected values in place of the old; what the new table leaves out stays. Facts of other sources, the
built-in ones among them, are never touched: they stand side by side.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pandas as pd

from data.faults import FaultReport
from data.ingest.cells import match_key
from data.ingest.exported import indicators_back
from data.ingest.indicator_definitions import DEFINITION_COLUMNS, Catalogue, Definition, read_definitions
from data.ingest.indicator_rows import FORM_COLUMNS, RowChecker
from data.ingest.indicator_store import (
    ImportedSource,
    empty_facts,
    fact_frames,
    indicator_frame,
    load_sources,
    merge_facts,
    source_frame,
    source_id,
    write_source,
)
from data.ingest.matching import Matched, RegionMatcher, match_columns
from data.ingest.reading import DEFINITION_SHEET, FaultList, Limits
from data.ingest.summary import ImportSummary
from data.ingest.tabular import RawTable, read_table
from data.ingest.xlsx_reader import sheet_names
from data.registry import Registry
from data.registry.import_models import load_import_checks
from data.registry.limit_models import exceeded, limit
from data.store.build_lock import build_lock
from data.store.staging import StagedImport

_FORM = "sutu template indicators"


@dataclass(frozen=True)
class CheckedIndicators:
    """A table without faults: facts by source title, new definitions, and what was noticed."""

    rows: pd.DataFrame
    definitions: tuple[Definition, ...]
    notes: tuple[str, ...]


def load_imported(data_dir: Path) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return every imported fact, every indicator that imports defined, and the sources they came from.

    The frames have the columns of the ``fact``, ``indicator`` and ``source`` tables; facts are of quality
    ``imported`` and their ``source`` is an id of the third. ``StoreError`` when a file is damaged.
    """
    sources = load_sources(data_dir)
    frames = [source.facts for source in sources if len(source.facts)]
    facts = pd.concat(frames, ignore_index=True) if frames else empty_facts()
    return facts, indicator_frame(sources), source_frame(sources)


def load_imported_indicators(data_dir: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return every imported fact and every indicator that imports defined; see `load_imported`."""
    facts, indicators, _ = load_imported(data_dir)
    return facts, indicators


def load_imported_sources(data_dir: Path) -> pd.DataFrame:
    """Return the sources of imported facts, with the columns of the ``source`` table."""
    return source_frame(load_sources(data_dir))


def check_indicators(
    path: Path, data_dir: Path, registry: Registry, regions: pd.DataFrame, *, last_year: int | None = None
) -> CheckedIndicators:
    """Return the facts in ``path`` (CSV or XLSX, one value per row) when nothing is wrong with them.

    ``regions`` is the region table. ``last_year`` is the last year a value can be of (default: this year).
    An exported indicator is such a table too. Raises ``FaultReport`` with every fault; writes nothing.
    """
    earlier = load_sources(data_dir)
    table = indicators_back(
        read_table(path, limits=Limits.of_indicators()), {source.id: source.title for source in earlier}
    )
    faults = FaultList(table.file, table.sheet)
    faults.extend(table.faults)
    matched = match_columns(table, FORM_COLUMNS, faults, form=_FORM)
    if len(matched.frame) == 0:
        faults.add(None, None, "只有表头，没有数据", "在表头下面逐行填写数值")
    if matched.missing:
        # Without its columns every row would only repeat what is wrong with the header.
        raise FaultReport(faults.report())
    catalogue = Catalogue(registry, (item for source in earlier for item in source.definitions))
    definitions = _define(path, table, matched, catalogue, faults)
    checker = RowChecker(
        catalogue,
        RegionMatcher(regions, _zones(registry)),
        last_year=last_year or dt.date.today().year,
        reserved_sources=frozenset(match_key(t) for s in registry.sources for t in (s.id, s.title)),
        faults=faults,
    )
    checked = checker.check(matched.frame, matched.headers, decimal_comma_risk=table.delimiter == ";")
    _check_sources(checked.frame, matched.headers["source"], faults)
    _check_redefinitions(checked.frame, definitions, earlier, faults)
    faults.raise_if_any()
    present = set(checked.frame["indicator"].unique())
    used = {item.id: item for item in definitions if item.id in present}
    return CheckedIndicators(
        checked.frame, tuple(used.values()), (*table.notes, *matched.notes, *checked.notes)
    )


def import_indicators(
    path: Path,
    data_dir: Path,
    registry: Registry,
    regions: pd.DataFrame,
    *,
    existing: pd.DataFrame | None = None,
    rebuild: Callable[[], object] | None = None,
    last_year: int | None = None,
) -> ImportSummary:
    """Check ``path`` and take its facts into ``imports/``; return what changed.

    ``existing`` are facts of the store (adcode, indicator, year, source, value), to name the values that now
    stand beside others. ``rebuild`` builds the store anew; when it raises, the import is taken back. Raises
    ``FaultReport`` with every fault, and then nothing has changed.
    """
    checked = check_indicators(path, data_dir, registry, regions, last_year=last_year)
    return store_indicators(checked, data_dir, path.name, existing=existing, rebuild=rebuild)


def store_indicators(
    checked: CheckedIndicators,
    data_dir: Path,
    file: str,
    *,
    existing: pd.DataFrame | None = None,
    rebuild: Callable[[], object] | None = None,
) -> ImportSummary:
    """Take checked facts (of ``file``) into ``imports/``; return what changed. As `import_indicators`."""
    # From here to the build nobody else may write: what is merged with must still be what is replaced.
    with build_lock(data_dir):
        merged = _merge(checked, load_sources(data_dir), f"导入自 {file}")
        _write(data_dir, merged.changed, rebuild)
    return ImportSummary(
        kind="indicators",
        file=file,
        rows=len(checked.rows),
        added=merged.added,
        updated=merged.updated,
        unchanged=merged.unchanged,
        files=tuple(source.file_name for source in merged.changed),
        notes=(*checked.notes, *_beside(checked.rows, existing), *merged.notes),
        details={
            "sources": sorted(set(checked.rows["source"])),
            "new_indicators": [item.id for item in checked.definitions],
        },
    )


@dataclass
class _Merged:
    """The sources that an import changes, and how many facts."""

    changed: list[ImportedSource] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    added: int = 0
    updated: int = 0
    unchanged: int = 0


def _merge(checked: CheckedIndicators, earlier: list[ImportedSource], obtained: str) -> _Merged:
    """Put the checked facts into what was imported before from the same sources."""
    known = {source.id: source for source in earlier}
    result = _Merged()
    for title, new in fact_frames(checked.rows):
        old = known.get(source_id(title))
        facts, added, updated, unchanged = (
            merge_facts(old.facts, new) if old is not None else (new, len(new), 0, 0)
        )
        result.added, result.updated = result.added + added, result.updated + updated
        result.unchanged += unchanged
        if old is not None and updated:
            result.notes.append(f"来源“{old.title}”此前导入的数值中有 {updated} 个被这次的数值取代")
        source = ImportedSource(
            old.title if old is not None else title,
            facts,
            _definitions_of(facts, checked.definitions, old),
            obtained,
        )
        if old is None or not source.same_content(old):
            result.changed.append(source)
    return result


def _write(data_dir: Path, sources: list[ImportedSource], rebuild: Callable[[], object] | None) -> None:
    """Put every changed source in place and rebuild; all of them are taken back when anything fails."""
    with ExitStack() as stack:
        for source in sources:
            staged = StagedImport.stage(data_dir, source.file_name, partial(write_source, source=source))
            stack.enter_context(staged)
        if sources and rebuild is not None:
            rebuild()


def _zones(registry: Registry) -> dict[str, tuple[str, str]]:
    return {zone.zone_code: (zone.name, zone.county) for zone in registry.zones if zone.kind == "zone"}


def _define(
    path: Path, table: RawTable, matched: Matched, catalogue: Catalogue, faults: FaultList
) -> list[Definition]:
    """Return the indicators that the file defines, on a sheet of their own or beside the values.

    They are added to ``catalogue``, and what is wrong with them to ``faults``.
    """
    definitions: list[Definition] = []
    if table.is_workbook and DEFINITION_SHEET in sheet_names(path, Limits.of_indicators()):
        sheet = read_table(path, sheet=DEFINITION_SHEET, limits=Limits.of_indicators())
        own = FaultList(sheet.file, sheet.sheet)
        own.extend(sheet.faults)
        form = match_columns(sheet, DEFINITION_COLUMNS, own, form=_FORM)
        if not form.missing:
            definitions += read_definitions(form.frame, form.headers, catalogue, own)
        faults.extend(own.report())
    for definition in definitions:
        catalogue.add(definition)
    inline = _inline_definitions(matched.frame, catalogue)
    headers = {**matched.headers, "name": matched.headers["indicator"], "id": matched.headers["indicator"]}
    for definition in read_definitions(inline, headers, catalogue, faults):
        catalogue.add(definition)
        definitions.append(definition)
    return definitions


def _inline_definitions(frame: pd.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    """Return the rows that define an unknown indicator beside its value, each different definition once.

    A row defines when it fills more than the unit; the first row stands for an indicator that has none such.
    """
    rows = frame[(frame["unit"] != "") & (frame["indicator"] != "")]
    unknown = [text for text in rows["indicator"].unique() if catalogue.find(text) is None]
    rows = rows[rows["indicator"].isin(unknown)]
    full = (rows["direction"] != "") | (rows["definition"] != "")
    lone = ~rows["indicator"].isin(rows.loc[full, "indicator"]) & ~rows["indicator"].duplicated()
    named = rows[full | lone].rename(columns={"indicator": "name"}).assign(id="")
    return named.drop_duplicates([column.key for column in DEFINITION_COLUMNS])


def _check_sources(rows: pd.DataFrame, header: str, faults: FaultList) -> None:
    """Report a file of so many sources that the column must hold something else."""
    count = rows["source"].nunique()
    if count > limit("indicators.sources"):
        fault = exceeded("indicators.sources", faults.file, count)
        faults.add(None, header, fault.problem, fault.remedy)


def _check_redefinitions(
    rows: pd.DataFrame, definitions: list[Definition], earlier: list[ImportedSource], faults: FaultList
) -> None:
    """Report a definition that would change an indicator other imported sources use."""
    own = {source_id(title) for title in rows["source"].unique()}
    others = defaultdict(list)
    for source in earlier:
        if source.id not in own:
            for item in source.definitions:
                others[item.id].append((source, item))
    for definition in definitions:
        for source, known in others[definition.id]:
            if known != definition:
                problem = f"“{definition.name}”已由来源“{source.title}”按另一种定义（单位“{known.unit}”）导入"
                faults.add(None, None, problem, "沿用原定义，或给新口径的指标另起名称和标识")


def _definitions_of(
    facts: pd.DataFrame, new: tuple[Definition, ...], old: ImportedSource | None
) -> tuple[Definition, ...]:
    """Return the definitions of the imported indicators that ``facts`` use, by id."""
    known = {item.id: item for item in (old.definitions if old is not None else ())}
    known |= {item.id: item for item in new}
    used = set(facts["indicator"].unique()) if known else set()
    return tuple(known[key] for key in sorted(known) if key in used)


def _beside(rows: pd.DataFrame, existing: pd.DataFrame | None) -> list[str]:
    """Return notes on values that the store has from another source, and on those far from it."""
    if existing is None or existing.empty:
        return []
    ids = {title: source_id(title) for title in rows["source"].unique()}
    own = rows.assign(source=rows["source"].map(ids))
    others = existing[~existing["source"].isin(set(own["source"]))]
    both = own.merge(others, on=["adcode", "indicator", "year"], suffixes=("", "_other"))
    if both.empty:
        return []
    pairs = both[["adcode", "indicator", "year", "source"]].drop_duplicates()
    notes = [f"{len(pairs)} 个数值在库内已有其他来源的同一指标，按来源并存，不相互覆盖"]
    ratio = both["value"].abs() / both["value_other"].abs().where(both["value_other"] != 0)
    most = load_import_checks().suspicious_ratio
    far = both[(ratio > most) | (ratio < 1 / most)]
    if len(far):
        row = far.iloc[0]
        example = f"{row['adcode']} {row['year']} 年：{row['value']:g} 与 {row['value_other']:g}"
        notes.append(f"其中 {len(far)} 个与已有数值相差 {most:g} 倍以上，请核对单位（如 {example}）")
    return notes
