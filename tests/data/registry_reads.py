"""Which fields of the registry's models the program reads: found in its code, by what each name stands for.

A field counts as read where it is taken from something that comes from the model: a parameter, attribute or
result annotated with it, or what was made of one. ``entry.name`` of another class is no read. Validators and
the checks of the files (functions named ``_faults…``) do not count: they read what nobody else need use.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path
from typing import get_args

from pydantic import BaseModel

from layers.fonts import ROOMS

ROOT = Path(__file__).resolve().parents[2]
CODE = (*ROOMS, "commands")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_PASSING = {
    *("tuple", "list", "sorted", "next", "iter", "enumerate", "zip", "reversed", "set", "max", "min", "dict"),
    *("filter", "values", "items", "get", "load"),
}
"""What gives back what it is given, or what it is taken from."""
_CHECKS = ("_faults", "_reference_faults")


def nested(model: type[BaseModel]) -> set[type[BaseModel]]:
    """Return a model and every model among the types of its fields."""
    found, todo = set(), [model]
    while todo:
        one = todo.pop()
        if one not in found:
            found.add(one)
            for field in one.model_fields.values():
                todo += _models_in(field.annotation)
    return found


def _models_in(kind: object) -> list[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [kind]
    return [model for part in get_args(kind) for model in _models_in(part)]


def shipped_modules() -> list[ast.Module]:
    """Return the parsed modules of the program, without its tests."""
    files = [ROOT / "app.py", ROOT / "cli.py"]
    for room in CODE:
        files += sorted((ROOT / room).rglob("*.py"))
    return [ast.parse(path.read_text(encoding="utf-8")) for path in files]


class Reads:
    """Every field that some module reads of some model, as (model, field) by name."""

    def __init__(self, models: set[type[BaseModel]], modules: list[ast.Module]) -> None:
        """Find the reads of ``models`` in ``modules``."""
        self._all = models
        self.fields = {model.__name__: set(model.model_fields) for model in models}
        self.found: set[tuple[str, str]] = set()
        self.known: dict[str, set[str]] = defaultdict(set)
        for module in modules:
            self._note_annotations(module)
        for module in modules:
            self._read(module, {}, owner="")

    def _mentioned(self, annotation: ast.expr | None) -> set[str]:
        """Return the models that an annotation names, also within a text."""
        if annotation is None:
            return set()
        return {name for name in self.fields if name in _names(annotation)}

    def _note_annotations(self, module: ast.Module) -> None:
        """Remember functions and attributes by name, with the models of their annotations."""
        for node in ast.walk(module):
            if isinstance(node, _FUNCTIONS):
                self.known[node.name] |= self._mentioned(node.returns)
            elif isinstance(node, ast.Assign) and _is_file(node.value):
                self.known[getattr(node.targets[0], "id", "")] |= self._mentioned(node.value)
            elif isinstance(node, ast.AnnAssign):
                name = getattr(node.target, "attr", getattr(node.target, "id", ""))
                self.known[name] |= self._mentioned(node.annotation)

    def _read(self, node: ast.AST, local: dict[str, set[str]], owner: str) -> None:
        """Walk a module, class or function, in order, with what its names stand for."""
        for child in ast.iter_child_nodes(node):
            if isinstance(child, _FUNCTIONS):
                self._read_function(child, local, owner)
            elif isinstance(child, ast.ClassDef):
                self._read(child, dict(local), child.name if child.name in self.fields else "")
            else:
                self._bind(child, local)
                self._note_read(child, local)
                self._read(child, local, owner)

    def _read_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, local: dict, owner: str) -> None:
        decorators = " ".join(ast.unparse(one) for one in node.decorator_list)
        if node.name.startswith(_CHECKS) or "validator" in decorators:
            return
        inner = dict(local)
        for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
            inner[one.arg] = self._mentioned(one.annotation)
        if owner:
            inner["self"] = {owner}
        # Twice, for names that a comprehension uses before the walk has met what binds them.
        for _ in range(2):
            self._read(node, inner, "")

    def _bind(self, node: ast.AST, local: dict[str, set[str]]) -> None:
        """Give names what they are assigned, or run through."""
        if isinstance(node, ast.Assign):
            pairs = [(target, node.value) for target in node.targets]
        elif isinstance(node, (ast.For, ast.comprehension)):
            pairs = [(node.target, node.iter)]
        elif isinstance(node, (ast.NamedExpr, ast.AnnAssign)) and node.value is not None:
            pairs = [(node.target, node.value)]
        elif isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)):
            pairs = [(one.target, one.iter) for one in node.generators]
        else:
            pairs = []
        for target, value in pairs:
            models = self._models_of(value, local)
            for name in (part for part in ast.walk(target) if isinstance(part, ast.Name)):
                local[name.id] = local.get(name.id, set()) | models

    def _models_of(self, node: ast.expr, local: dict[str, set[str]]) -> set[str]:
        """Return the models that an expression may hold: its own names, calls and attributes."""
        if isinstance(node, ast.Name):
            return local.get(node.id, set()) | (self.known[node.id] if node.id.isupper() else set())
        if isinstance(node, ast.Attribute):
            return self._models_of_attribute(node, local)
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", "")
            of = [part for part in node.args if name in _PASSING]
            made = self.known[name] if name else set()
            return made.union(self._models_of(node.func, local), *(self._models_of(one, local) for one in of))
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)):
            self._bind(node, local)
            return self._models_of(node.value if isinstance(node, ast.DictComp) else node.elt, local)
        parts = [one for one in ast.iter_child_nodes(node) if isinstance(one, ast.expr)]
        parts = parts[:1] if isinstance(node, (ast.Subscript, ast.NamedExpr)) else parts
        parts = [] if isinstance(node, (ast.Compare, ast.JoinedStr, ast.Lambda)) else parts
        return set().union(*(self._models_of(one, local) for one in parts))

    def _models_of_attribute(self, node: ast.Attribute, local: dict[str, set[str]]) -> set[str]:
        """Return the models of a field of a model, of an annotated attribute, or of a method's result."""
        holders = self._models_of(node.value, local)
        owners = {name for name in holders if node.attr in self.fields[name]}
        if owners:
            return self._nested(owners, node.attr)
        return self.known[node.attr] | (holders if node.attr in _PASSING else set())

    def _nested(self, owners: set[str], field: str) -> set[str]:
        """Return the models within a field of some models."""
        by_name = {model.__name__: model for model in self._all}
        return {
            one.__name__
            for name in owners
            for one in _models_in(by_name[name].model_fields[field].annotation)
        }

    def _note_read(self, node: ast.AST, local: dict[str, set[str]]) -> None:
        if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load):
            return
        for name in self._models_of(node.value, local):
            taken = self.fields[name] if node.attr.startswith("model_dump") else {node.attr}
            self.found |= {(name, field) for field in taken & self.fields[name]}


def _is_file(node: ast.expr) -> bool:
    """Return whether an expression makes a file of the registry."""
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"entries_of", "mapping_of"}


def _names(node: ast.expr) -> set[str]:
    """Return the names in an annotation, which may be a text."""
    found = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            found.add(part.id)
        elif isinstance(part, ast.Attribute):
            found.add(part.attr)
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            try:
                found |= _names(ast.parse(part.value, mode="eval").body)
            except SyntaxError:
                continue
    return found
