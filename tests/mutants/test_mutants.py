"""Faults put into the code change it, what they cannot change is left out, and nearest tests come first."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants import __main__ as mutants
from tests.mutants.faults import ROOT, Fault, faults_of, meaning, sample, shown


def test_a_sample_is_the_same_each_time_and_every_fault_changes_its_module() -> None:
    faults = sample(12, 14, ["geo/tiles.py"])
    assert faults == sample(12, 14, ["geo/tiles.py"]) and len(set(faults)) == 12
    assert faults != sample(12, 15, ["geo/tiles.py"])
    source = (ROOT / "geo" / "tiles.py").read_text(encoding="utf-8")
    for fault in faults:
        assert meaning(fault.applied(source)) != meaning(source)
        assert "→" in shown(fault)
    assert set(faults) < set(faults_of(Path("geo/tiles.py")))


def test_annotations_and_layout_have_no_meaning_here() -> None:
    one = "def f(a: int | None, *b: str, c: float = 1.0) -> int | str:\n    x: int = a\n    return x\n"
    other = "def f(a, *b, c = 1.0):\n    x: list = a\n\n    return x\n"
    assert meaning(one) == meaning(other)
    assert meaning(one) != meaning(other.replace("1.0", "2.0"))


def test_tests_of_its_name_come_first_then_the_quickest_up_to_a_time() -> None:
    seconds = {
        Path(f"tests/geo/test_{name}.py"): taken for name, taken in {"b": 80.0, "a": 5.0, "c": 9.0}.items()
    }
    chosen = mutants.within_reach(Path("geo/b.py"), list(seconds), seconds)
    assert [path.stem for path in chosen] == ["test_b", "test_a"]
    assert mutants.within_reach(
        Path("geo/b.py"), [Path("tests/geo/test_b.py")], {Path("tests/geo/test_b.py"): 900.0}
    )


def test_the_outcome_counts_what_nobody_noticed(capsys: pytest.CaptureFixture[str]) -> None:
    faults = sample(4, 14, ["geo/tiles.py"])
    hows = [mutants.NOTICED, mutants.SLOW, mutants.UNNOTICED, mutants.NOTICED]
    results: list[tuple[Fault, str]] = list(zip(faults, hows, strict=True))
    assert mutants.report(results, 0.75) == 0 and mutants.report(results, 0.76) == 1
    told = capsys.readouterr().out
    assert (
        "geo           3 of    4 noticed" in told
        and shown(faults[2]) in told
        and "75.0% of 4 noticed" in told
    )


def test_what_an_earlier_run_noticed_is_not_tried_again() -> None:
    faults = sample(3, 14, ["geo/tiles.py"])
    hows = [mutants.NOTICED, mutants.UNNOTICED, mutants.SLOW]
    printed = [
        f"{row:4} {how:9} {row * 1.5:5.1f} s  {shown(fault)}"
        for row, (fault, how) in enumerate(zip(faults, hows, strict=True))
    ]
    found = mutants.noticed_before(
        "\n".join(["Warning: of a library", *printed, "", "77.8% of 400 noticed"]), faults
    )
    assert [fault for fault, _ in found] == [faults[0], faults[2]]
