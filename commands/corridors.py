"""``sutu corridors`` and ``sutu corridor``: what the plans draw across the province, what lies along."""

from __future__ import annotations

from typing import Annotated, Any

import pandas as pd
import typer

from analysis.corridor_reports import family_counts, hsr_coverage, station_access, undrawn
from analysis.corridors import SCOPES, STATION_HEADERS, Corridors
from commands.console import Format, errors, examples, print_json, print_rows
from data.registry.corridor_models import load_corridor_rules
from data.store.store import data_dir, open_store
from geo.errors import CorridorError
from layers.words.corridor import STATUS_NAMES

_MINUTES = "、".join(f"{limit:g}" for limit in load_corridor_rules().station_minutes)
_STATIONS_HELP = f"另算站点 {_MINUTES} 分钟内的人口。"
_STATUS = {**STATUS_NAMES, "unstated": "原文未写"}
SHAPE_NAMES = {"line": "线", "area": "面", "point": "点"}
_LIST = {
    "id": "编号",
    "name": "名称",
    "family": "类别",
    "plan": "规划",
    "doc_no": "文号",
    "status": "状态",
    "horizon": "时点",
    "shape": "画法",
    "precision": "精度",
    "drawn": "画出",
    "reason": "未画出的原因",
}
_MEMBERS = {
    "position": "次序",
    "text": "原文",
    "role": "作用",
    "kind": "类型",
    "name": "地点",
    "adcode": "代码",
    "line": "线路编号",
    "reason": "未定位的原因",
}
_FIGURES = {
    "name": "指标",
    "year": "年份",
    "value": "数值",
    "unit": "单位",
    "share": "占全省",
    "reason": "原因",
}
PROFILE = {
    "from_km": "起（公里）",
    "to_km": "止（公里）",
    "adcode": "代码",
    "name": "地区",
    "indicator": "指标",
    "year": "年份",
    "value": "数值",
    "unit": "单位",
    "reason": "原因",
    "note": "备注",
}


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command(
        "corridors",
        epilog=examples(
            "sutu corridors",
            "sutu corridors --family hsr_6v6h",
            "sutu corridors --undrawn",
            "sutu corridors --json",
        ),
    )(corridors)
    app.command(
        "corridor",
        epilog=examples(
            "sutu corridor railway-002-3899-1",
            "sutu corridor 世界级运河文化遗产旅游廊道 --json",
            "sutu corridor railway-002-3903-3 --profile population_65_plus_share --format csv",
        ),
    )(corridor)


def corridors(
    family: Annotated[str | None, typer.Option("--family", help="只列这一类别，写代号或名称。")] = None,
    only_undrawn: Annotated[bool, typer.Option("--undrawn", help="只列没有画出的，并写明原因。")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="以 JSON 输出。")] = False,
) -> None:
    """列出规划里的通道、廊道、带、圈和线路。

    不写类别时给出各类别的个数；没有画出的都写明原因。JSON 给出全部条目、各类别个数和高铁覆盖估算。
    """
    found = Corridors(open_store())
    table = found.table
    if family is not None:
        table = table[table["family"] == _family(found, family)]
    if only_undrawn:
        table = table[~table["drawn"]]
    if as_json:
        coverage = hsr_coverage(found)
        print_json(
            {
                "families": family_counts(found).to_dict("records"),
                "corridors": table[[*_LIST, "seed_line", "kind", "period", "basis", "note"]].to_dict(
                    "records"
                ),
                "undrawn": undrawn(found).to_dict("records") if family is None else None,
                "hsr_coverage_estimate": {"shares": coverage.shares, "plan_percent": coverage.targets},
            }
        )
    elif family is None and not only_undrawn:
        rows = family_counts(found).to_dict("records")
        heads = {
            "family": "类别",
            "name": "名称",
            "group": "组",
            "structures": "条目",
            "drawn": "画出",
            "undrawn": "未画出",
        }
        drawn = int(table["drawn"].sum())
        _print(rows, heads, f"通道走廊 {len(table)} 个，画出 {drawn} 个；加 --family 类别 列出条目")
    else:
        _print([_shown(found, row) for row in table.to_dict("records")], _LIST, f"通道走廊 {len(table)} 个")


def _family(found: Corridors, wanted: str) -> str:
    for key, family in found.families.items():
        if wanted in (key, family.name):
            return key
    known = "、".join(f"{key}（{family.name}）" for key, family in found.families.items())
    raise typer.BadParameter(f"没有类别“{wanted}”；可用：{known}", param_hint="--family")


def _shown(found: Corridors, row: dict[Any, Any]) -> dict[str, Any]:
    return {
        **{str(key): value for key, value in row.items()},
        "family": found.families[str(row["family"])].name,
        "status": _STATUS[str(row["status"])],
        "shape": SHAPE_NAMES.get(str(row["shape"])),
        "drawn": "是" if row["drawn"] else "否",
    }


def _print(rows: list[Any], heads: dict[str, str], title: str) -> None:
    print_rows(rows, heads, Format.table, title=title)


def corridor(  # noqa: PLR0917 - a command's options are its documented inputs
    wanted: Annotated[str, typer.Argument(help="编号或名称，见 sutu corridors。", metavar="通道")],
    profile: Annotated[str | None, typer.Option("--profile", help="沿线剖面：指标代号。")] = None,
    year: Annotated[int | None, typer.Option("--year", help="剖面的年份；不写取最近一年。")] = None,
    stations: Annotated[bool, typer.Option("--stations", help=_STATIONS_HELP)] = False,
    form: Annotated[Format, typer.Option("--format", help="剖面的输出格式。")] = Format.table,
    as_json: Annotated[bool, typer.Option("--json", help="以 JSON 输出。")] = False,
) -> None:
    """一条通道：成员、数字、精度；或一个指标的沿线剖面。"""
    found = Corridors(open_store())
    try:
        row = found.find(wanted)
    except CorridorError as fault:
        raise typer.BadParameter(str(fault), param_hint="通道") from fault
    key = str(row["id"])
    if profile is not None:
        rows = found.profile(key, profile, year).to_dict("records")
        kind = Format.json if as_json else form
        print_rows([_plain(one) for one in rows], PROFILE, kind, title=f"{row['name']}：沿线剖面")
        return
    answer = describe(found, key, stations=stations)
    if as_json:
        print_json(answer)
    else:
        _tell(found, row, answer)


def _plain(row: dict[Any, Any]) -> dict[str, Any]:
    return {str(key): value for key, value in row.items()}


def describe(found: Corridors, key: str, *, stations: bool = False) -> dict[str, Any]:
    """Return everything there is to say of a corridor, as plain values."""
    row = found.find(key)
    drawn = bool(row["drawn"])
    answer: dict[str, Any] = {
        **{str(name): value for name, value in row.items()},
        "family_name": found.families[str(row["family"])].name,
        "members": found.members_of(key).drop(columns="corridor").to_dict("records"),
    }
    if drawn:
        names = found.sums.regions["name"]
        for scope in ("named", "passed"):
            answer[f"counties_{scope}"] = {
                code: str(names[code]) for code in sorted(found.counties(key, scope))
            }
        answer["prefectures"] = {code: str(names[code]) for code in found.prefectures(key, "passed")}
        answer["figures"] = {
            scope: [figure.__dict__ for figure in found.figures(key, scope)]  # type: ignore[arg-type]
            for scope in SCOPES
        }
        answer["people_within_km"] = {
            f"{distance:g}": people for distance, people in found.beside(key).items()
        }
        if row["shape"] == "line":
            answer["stops"] = found.stops(key).to_dict("records")
    if stations and drawn:
        access = station_access(found, key, data_dir())
        answer["stations"] = {
            "count": access.stations,
            "surveyed": access.surveyed,
            "places": access.places.to_dict("records"),
            "people_within_minutes": {f"{limit:g}": people for limit, people in access.people.items()},
            "method": access.method,
            "mode": access.mode,
            "notes": list(access.notes),
        }
    return answer


def _tell(found: Corridors, row: pd.Series, answer: dict[str, Any]) -> None:
    """Write a corridor for reading."""
    shown = _shown(found, row.to_dict())
    facts = {key: shown[key] for key in _LIST if shown[key] not in (None, "") and not pd.isna(shown[key])}
    facts["seed_line"] = str(row["seed_line"])
    heads = {**_LIST, "seed_line": "原文行号"}
    rows = [{"what": heads[key], "value": value} for key, value in facts.items()]
    _print(rows, {"what": "项目", "value": "内容"}, str(row["name"]))
    _print(answer["members"], _MEMBERS, "成员（按原文次序）")
    if "figures" not in answer:
        return
    for scope, title in SCOPES.items():
        rows = [
            {
                **figure,
                "value": None if pd.isna(figure["value"]) else f"{figure['value']:,.2f}".removesuffix(".00"),
                "share": None if pd.isna(figure["share"]) else f"{figure['share'] * 100:.1f}%",
            }
            for figure in answer["figures"][scope]
        ]
        _print(rows, _FIGURES, f"{title}（{len(answer[f'counties_{scope}'])} 个县（市、区））")
    beside = [{"km": km, "people": f"{people:,.0f}"} for km, people in answer["people_within_km"].items()]
    _print(beside, {"km": "公里以内", "people": "人口（推算格网）"}, "两侧人口")
    if "stations" in answer:
        _tell_stations(answer["stations"])
    if isinstance(row["note"], str):
        errors().print(f"说明：{row['note']}", markup=False)


def _tell_stations(held: dict[str, Any]) -> None:
    """Write where the stations stand, and the people within minutes of them."""
    _print(held["places"], STATION_HEADERS, f"站点（{held['count']} 处，实测 {held['surveyed']} 处）")
    within = "，".join(
        f"{limit} 分钟内 {people:,.0f} 人" for limit, people in held["people_within_minutes"].items()
    )
    notes = "；".join(held["notes"])
    errors().print(f"到站点{held['mode']}（{held['method']}）{within}。{notes}。", markup=False)
