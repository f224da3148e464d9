"""Every module has tests that stand near it, and a change is checked by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import check_changed
from scripts.nearest_tests import ROOMS, ROOT, nearest


def test_every_module_and_registry_file_has_tests_near_it() -> None:
    code = [path.relative_to(ROOT) for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    files = [path for path in code if path.name != "__init__.py"]
    files += [path.relative_to(ROOT) for path in (ROOT / "data" / "registry").glob("*.yaml")]
    assert len(files) > 250
    assert [path for path in files if not nearest(path)] == []


@pytest.mark.parametrize(
    ("changed", "test"),
    [
        ("geo/disparity.py", "tests/geo/test_disparity.py"),
        ("data/registry/indicators.yaml", "tests/data/test_registry.py"),
        ("app.py", "tests/server/test_start.py"),
        ("cli.py", "tests/test_cli.py"),
        ("docs/guide/settings.md", "tests/data/test_environment.py"),
        ("tests/geo/test_disparity.py", "tests/geo/test_disparity.py"),
        ("tests/browser/harness.py", "tests/browser/test_targets.py"),
    ],
)
def test_the_nearest_tests_of_a_file(changed: str, test: str) -> None:
    found = nearest(Path(changed))
    assert Path(test) in found
    assert all((ROOT / one).exists() for one in found)


def test_what_is_gone_or_unknown_has_none() -> None:
    assert nearest(Path("geo/no_such_module.py")) == []
    assert nearest(Path("tests/geo/test_no_such.py")) == []
    assert nearest(Path("LICENSE")) == []


def test_tests_in_a_browser_are_left_to_the_whole_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check_changed, "changed", lambda _base: [Path("tests/browser/test_targets.py")])
    assert check_changed.main([]) == 0
    assert "0 test files run" in capsys.readouterr().out


def test_the_tests_of_what_changed_are_run_nearest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []

    class Done:
        returncode = 3

    def run(line: list[str], **_how: object) -> Done:
        ran.append(line[5:])
        return Done()

    files = [Path("geo/regions.py"), Path("tests/geo/test_disparity.py")]
    monkeypatch.setattr(check_changed, "changed", lambda _base: files)
    monkeypatch.setattr(check_changed.subprocess, "run", run)
    assert check_changed.main([]) == 3
    assert ran[0][0] == "tests/geo/test_disparity.py" and len(ran[0]) <= check_changed._MOST
