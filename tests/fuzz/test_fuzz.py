"""A short run of the fuzzer: mutants of every kind of file at every door."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.doors import DOORS, read_file
from tests.fuzz.run import Fate, Mutant, run
from tests.fuzz.seeds import SEEDS, seeds_of, written
from tests.fuzz.verdict import faults_of, verdict

MUTANTS = 10
APART = 1
SEED = 13

pytestmark = pytest.mark.xdist_group("fuzz")


@pytest.fixture(scope="module")
def fates(tmp_path_factory: pytest.TempPathFactory, built_data_dir: Path) -> list[Fate]:
    mutants = [Mutant(door, SEED, index) for door in DOORS for index in range(MUTANTS)]
    return list(run(mutants, tmp_path_factory.mktemp("fuzz"), built_data_dir))


@pytest.mark.parametrize("door", DOORS)
def test_mutants_are_taken_or_refused_in_words(door: str, fates: list[Fate]) -> None:
    own = [fate for fate in fates if fate.mutant.door == door]
    assert len(own) == MUTANTS
    wrong = [
        f"{fate.mutant.key}: {fate.verdict.wrong}\n{fate.verdict.trace}" for fate in own if fate.verdict.wrong
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("door", DOORS)
def test_mutants_are_taken_or_refused_by_processes_of_their_own(
    door: str, tmp_path: Path, built_data_dir: Path
) -> None:
    mutants = [Mutant(door, SEED, index) for index in range(APART)]
    wrong = [fate for fate in run(mutants, tmp_path, built_data_dir, apart=True) if fate.verdict.wrong]
    assert not wrong, "\n".join(f"{fate.mutant.key}: {fate.verdict.wrong}" for fate in wrong)


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_seeds_are_without_a_fault(seed: object, tmp_path: Path, built_data_dir: Path) -> None:
    """Mutants of a seed that is refused are refused at the same place: nothing behind it would be tried."""
    one = next(item for item in SEEDS if item == seed)
    written(one, tmp_path)
    for door in one.doors:
        read_file(door, tmp_path / f"{one.name}{one.ending}", built_data_dir)


FOUND = ("facilities:13:58",)
"""Mutants that were offenders once."""


@pytest.mark.parametrize("key", FOUND)
def test_what_the_long_run_found_stays_mended(key: str, tmp_path: Path, built_data_dir: Path) -> None:
    mutant = Mutant.of(key)
    found = verdict(mutant.door, mutant.write(tmp_path), built_data_dir)
    assert not found.wrong, found.trace


def test_every_door_has_seeds() -> None:
    assert all(seeds_of(door) for door in DOORS)


def test_a_key_gives_the_same_mutant_again(tmp_path: Path) -> None:
    for door in DOORS:
        mutant = Mutant.of(f"{door}:7:3")
        assert mutant.write(tmp_path / "a").read_bytes() == mutant.write(tmp_path / "b").read_bytes()


def test_a_message_must_be_chinese_and_say_what_to_do() -> None:
    assert faults_of("cannot open file")
    assert faults_of("文件已损坏。")
    assert not faults_of("a.csv：文件已损坏。处理办法：重新取得该文件。")
