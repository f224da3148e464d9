"""``python -m benchmarks NAME [options]`` runs one comparison; ``python -m benchmarks all`` runs every one.

A comparison is a module of this package that has ``main()``, which reads its options from the command line
and prints one JSON value with ``--json``. ``all`` puts what they give into one table, or with ``--json`` into
one object by name; with ``--quick`` every comparison runs at a small size. A comparison that fails is named,
the others still run, and the exit code is 1.
"""

import ast
import contextlib
import importlib
import io
import json
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from benchmarks.table import report_rows, show

QUICK = {
    "exports": ["--no-grid"],
    "catchment": ["--cells", "20000", "--facilities", "200", "--no-growth"],
    "corridors": ["--peer-corridors", "5"],
    "coverage": ["--scale", "0.02", "--peers", "scipy,networkx", "--no-growth"],
    "gaps": ["--permutations", "999", "--repeats", "1"],
    "imports": ["--scale", "0.05"],
    "maps": ["--repeats", "2"],
    "ogc": ["--cells", "4000", "--repeats", "1"],
    "ogc_tiles": ["--tiles", "3", "--zoom", "6"],
    "reports": ["--count", "3"],
    "osm_import": ["--nodes", "100000"],
    "page_times": ["--repeats", "1"],
    "scale": ["--scale", "0.02", "--piece-cells", "50000"],
    "siting": ["--cells", "20000", "--candidates", "60", "--peer-cells", "2500", "--no-growth"],
    "water": ["--repeats", "1"],
}
QUICK_NOTE = "快速模式：各项以小规模运行，coverage 不与 pandana 比较；数字不能代表全省规模。"


def comparisons() -> list[str]:
    """Return the names of all comparisons, without loading them: each wants peers that others do without."""
    modules = sorted(Path(__file__).parent.glob("*.py"))
    return [path.stem for path in modules if path.stem != "__main__" and _has_main(path)]


def _has_main(path: Path) -> bool:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in body)


def run_one(name: str, options: list[str]) -> None:
    """Run one comparison with its options; it prints what it finds."""
    sys.argv = [f"benchmarks {name}", *options]
    importlib.import_module(f"benchmarks.{name}").main()


def report_of(name: str, options: list[str]) -> Any:
    """Return what a comparison prints with ``--json``."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        run_one(name, [*options, "--json"])
    return json.loads(printed.getvalue())


def run_all(options: list[str]) -> int:
    """Run every comparison; print one table or one JSON object; return 1 when one of them failed."""
    reports, failed = {}, {}
    notes = [QUICK_NOTE] if "--quick" in options else []
    for name in comparisons():
        begin = time.perf_counter()
        try:
            reports[name] = report_of(name, QUICK.get(name, []) if "--quick" in options else [])
        except (Exception, SystemExit) as fault:
            traceback.print_exc()
            failed[name] = f"{type(fault).__name__}: {fault}"
        print(f"{name}：{time.perf_counter() - begin:.0f} s", file=sys.stderr, flush=True)
    if "--json" in options:
        print(json.dumps({"quick": "--quick" in options, **reports, "failed": failed}, ensure_ascii=False))
        return 1 if failed else 0
    for name, report in reports.items():
        found = report.get("notes", []) if isinstance(report, dict) else []
        notes += [f"{name}：{note}" for note in found]
    notes += [f"{name} 没有跑完：{reason}" for name, reason in failed.items()]
    show({name: report_rows(name, report) for name, report in reports.items()}, notes)
    return 1 if failed else 0


def main() -> int:
    """Run what the command line names; return the exit code."""
    known = comparisons()
    wanted, options = (sys.argv[1] if len(sys.argv) > 1 else ""), sys.argv[2:]
    if wanted == "all" and set(options) <= {"--json", "--quick"}:
        return run_all(options)
    if wanted not in known:
        names = "|".join(known)
        print(f"用法：python -m benchmarks {names} [选项]，或 all [--json] [--quick]", file=sys.stderr)
        return 2
    run_one(wanted, [*(QUICK.get(wanted, []) if "--quick" in options else []), *_without_quick(options)])
    return 0


def _without_quick(options: list[str]) -> list[str]:
    return [option for option in options if option != "--quick"]


if __name__ == "__main__":
    sys.exit(main())
