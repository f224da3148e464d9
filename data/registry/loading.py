"""The one way in which registry files are read: into validated entries; what is wrong is said in Chinese."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from data.registry.models import Entry
from geo.errors import RegistryError

E = TypeVar("E", bound=Entry)
M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")


class _StrictLoader(yaml.CSafeLoader):
    """Safe YAML that refuses a key given twice, where plain YAML would silently keep the last."""


def _unique_mapping(loader: _StrictLoader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    """Return the mapping of ``node``; raise ``RegistryError`` when a key stands twice."""
    seen: set[Hashable] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            line = key_node.start_mark.line + 1
            raise RegistryError(f"第 {line} 行：“{key}”在同一条目里写了两次，请删去一处")
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_mapping)

_MESSAGES = {
    "missing": "缺少此项，请补上",
    "extra_forbidden": "不认识此项，请检查拼写或删去",
    "string_type": "应为文本；像代码一样的数字请加引号",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_from_float": "应为整数",
    "float_type": "应为数",
    "float_parsing": "应为数",
    "bool_type": "应为 true 或 false",
    "list_type": "应为列表",
    "tuple_type": "应为列表",
    "dict_type": "应为“键: 值”的映射",
    "model_type": "应为“键: 值”的映射",
    "date_type": "应为日期（年-月-日）",
    "date_parsing": "应为日期（年-月-日）",
    "date_from_datetime_parsing": "应为日期（年-月-日）",
}


_BOUNDS = {
    "greater_than": "应大于",
    "greater_than_equal": "应不小于",
    "less_than": "应小于",
    "less_than_equal": "应不大于",
}


def fault_words(error: ErrorDetails) -> str:
    """Return a Chinese sentence for one pydantic fault."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in _BOUNDS:
        return f"{_BOUNDS[kind]} {next(iter(context.values()))}"
    match kind:
        case "value_error":
            message = str(context["error"])
        case "literal_error":
            message = f"只能是 {context['expected'].replace(' or ', '、')}"
        case "string_pattern_mismatch":
            message = f"格式不对，应符合 {context['pattern']}"
        case "too_short" | "string_too_short":
            message = f"太短，至少要 {context['min_length']} 个"
        case "too_long":
            message = f"太长，至多 {context['max_length']} 个"
        case _:
            message = _MESSAGES.get(kind, f"取值不合规定（{kind}）")
    return message


def _describe(file: str, entry: str, error: ErrorDetails) -> str:
    """Return one line that names file, entry and field of a fault."""
    field = ".".join(str(part) for part in error["loc"]) or "整条"
    given = "" if error["type"] in {"missing", "value_error"} else f"（现为 {error['input']!r:.60}）"
    return f"{file}，条目 {entry}，字段 {field}：{fault_words(error)}{given}"


def read_yaml(file: Traversable | Path) -> Any:
    """Return the plain content of a YAML file.

    Raises ``RegistryError`` naming the file (and line) when it is missing, unreadable or no YAML.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RegistryError(f"{file.name}：读不出来（{error}）；请确认文件存在且为 UTF-8 编码") from error
    try:
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader that also refuses repeated keys
    except RegistryError as error:
        raise RegistryError(f"{file.name}，{error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"第 {mark.line + 1} 行" if mark is not None else "某处"
        raise RegistryError(f"{file.name}，{where}：不是合法的 YAML；请检查缩进、冒号和引号") from error


def load_yaml(file: Traversable | Path, model: type[E]) -> tuple[E, ...]:
    """Return the entries of a registry file (a YAML list of mappings), validated by ``model``, in file order.

    ``model.KEY`` names the fields that identify an entry; they must be unique within the file.
    Raises ``RegistryError`` that lists every fault with file, entry and field.
    """
    content = read_yaml(file)
    if not isinstance(content, list):
        raise RegistryError(f"{file.name}：应为条目的列表，每条以“- ”开头")
    entries: list[E] = []
    faults: list[str] = []
    seen: dict[tuple[Any, ...], int] = {}
    for number, item in enumerate(content, start=1):
        raw_key = tuple(item.get(field) for field in model.KEY) if isinstance(item, dict) else ()
        name = (
            f"{'/'.join(str(part) for part in raw_key)}（第 {number} 条）" if raw_key else f"第 {number} 条"
        )
        try:
            entry = model.model_validate(item)
        except ValidationError as error:
            faults += [_describe(file.name, name, detail) for detail in error.errors()]
            continue
        if entry.key in seen:
            where = f"{file.name}，条目 {name}，字段 {'/'.join(model.KEY)}"
            faults.append(f"{where}：与第 {seen[entry.key]} 条重复，请删去一条")
        seen.setdefault(entry.key, number)
        entries.append(entry)
    if faults:
        raise RegistryError("\n".join(faults))
    return tuple(entries)


def load_yaml_object(file: Traversable | Path, model: type[M]) -> M:
    """Return a registry file that is one mapping, validated by ``model``; raises as ``load_yaml``."""
    content = read_yaml(file)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise RegistryError(
            "\n".join(_describe(file.name, "（全文）", detail) for detail in error.errors())
        ) from error


def registry_folder(folder: Path | None = None) -> Traversable | Path:
    """Return ``folder``, or the registry that travels inside the package."""
    return folder if folder is not None else resources.files("data.registry")


def _no_faults(_: object) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True)
class RegistryFile(Generic[T]):
    """One file of the registry: its name, the model of its entries, and how it is read.

    ``faults`` says what is wrong with the content beyond the model, as ``条目 …，字段 …：…``. Every file is
    one of these objects, made by `entries_of` or `mapping_of`; `data.registry.files.FILES` lists them all.
    """

    name: str
    model: type[BaseModel]
    read: Callable[[Traversable | Path], T]
    faults: Callable[[T], Iterable[str]] = _no_faults

    def load(self, folder: Path | None = None) -> T:
        """Return the content of the file in ``folder`` (default: the packaged registry); read once.

        Raises ``RegistryError`` that lists every fault with file, entry and field.
        """
        return cast(T, _loaded(self, folder))


@lru_cache(maxsize=128)
def _loaded(file: RegistryFile[Any], folder: Path | None) -> Any:
    content = file.read(registry_folder(folder) / file.name)
    faults = [f"{file.name}，{fault}" for fault in file.faults(content)]
    if faults:
        raise RegistryError("\n".join(faults))
    return content


def entries_of(
    name: str, model: type[E], faults: Callable[[tuple[E, ...]], Iterable[str]] = _no_faults
) -> RegistryFile[tuple[E, ...]]:
    """Return a file that is a list of entries."""
    return RegistryFile(name, model, partial(load_yaml, model=model), faults)


def mapping_of(
    name: str, model: type[M], faults: Callable[[M], Iterable[str]] = _no_faults
) -> RegistryFile[M]:
    """Return a file that is one mapping."""
    return RegistryFile(name, model, partial(load_yaml_object, model=model), faults)
