"""The faults that can be put into a module: cosmic-ray's operators, without what changes nothing."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).resolve().parents[2]
TARGETS = ("geo/*.py", "analysis/*.py", "layers/words/*.py", "pages/*/panels.py", "server/**/*.py")


@dataclass(frozen=True)
class Fault:
    """One fault: the file (relative to the repository), the operator of cosmic-ray, and its place."""

    path: Path
    operator: str
    place: int

    def applied(self, source: str) -> str:
        """Return the source with the fault in it."""
        changed = mutate_code(source, get_operator(self.operator)(), self.place)
        assert changed is not None
        return str(changed)


def faults_of(path: Path) -> list[Fault]:
    """Return every fault that can be put into a file; some of them may change nothing."""
    nodes = list(ast_nodes(get_ast((ROOT / path).read_text(encoding="utf-8"))))
    found = []
    for name in sorted(operator_names()):
        if get_operator(name).arguments():
            continue  # It would have to be told which variables to replace.
        operator = get_operator(name)()
        places = sum(len(list(operator.mutation_positions(node))) for node in nodes)
        found += [Fault(path, name, place) for place in range(places)]
    return found


def sample(number: int, seed: int, targets: Sequence[str] = TARGETS) -> list[Fault]:
    """Return ``number`` faults that change what a module does, each as likely as any other."""
    paths = sorted(path.relative_to(ROOT) for pattern in targets for path in ROOT.glob(pattern))
    every = [fault for path in paths for fault in faults_of(path)]
    random.Random(seed).shuffle(every)
    return list(_first(every, number))


def _first(faults: Iterable[Fault], number: int) -> Iterable[Fault]:
    """Yield the first ``number`` that change the meaning."""
    taken = 0
    for fault in faults:
        if taken == number:
            return
        source = (ROOT / fault.path).read_text(encoding="utf-8")
        with suppress(SyntaxError):  # A fault that is no Python is no test of the tests.
            if meaning(fault.applied(source)) != meaning(source):
                taken += 1
                yield fault


def meaning(source: str) -> str:
    """Return what the interpreter sees of a source: no annotation of these modules is ever evaluated."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
            arguments = node.args
            named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
            for one in [*named, *filter(None, (arguments.vararg, arguments.kwarg))]:
                one.annotation = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
    return ast.dump(tree)


def shown(fault: Fault) -> str:
    """Return where a fault is and what it changes, in one line."""
    before = (ROOT / fault.path).read_text(encoding="utf-8").splitlines()
    after = fault.applied((ROOT / fault.path).read_text(encoding="utf-8")).splitlines()
    at = next(number for number, (old, new) in enumerate(zip(before, after, strict=False)) if old != new)
    return f"{fault.path}:{at + 1}  {before[at].strip()}  →  {after[at].strip()}"
