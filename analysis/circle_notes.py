"""What must be said of life circles: services and facilities, roads and water (Chinese)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis.coverage import IMPLIED, SCARCE, CoverageAnalysis
from analysis.given import POPULATION
from analysis.left_out import people_where, road_notes, water_notes
from data.registry.facility_models import CircleService, load_facility_types

NO_FACILITY = "数据里没有此类设施"

Solved = Mapping[tuple[str, str], CoverageAnalysis]
"""The travel analysis by service and mode; services without any facility have none."""


def circle_notes(services: Mapping[str, CircleService], solved: Solved) -> tuple[str, ...]:
    """Return the sentences on what went into circles, and on whom roads leave out and water turns aside."""
    return (*service_notes(services, solved), *_of_roads(solved), *_of_water(solved))


def service_notes(services: Mapping[str, CircleService], solved: Solved) -> list[str]:
    """Return what must be said of the services and their facilities."""
    notes = []
    without = [one.name for key, one in services.items() if not any(key == name for name, _ in solved)]
    if without:
        notes.append(f"{'、'.join(without)}：{NO_FACILITY}，不计入得分（没有数据不等于没有服务）")
    types = load_facility_types()
    by_service = {key: one for (key, _), one in solved.items()}
    for key, analysis in by_service.items():
        service = services[key]
        unsure = int(analysis.facilities["type"].isin(service.unsorted).sum())
        if unsure:
            kinds = "、".join(types[kind].name for kind in service.unsorted)
            notes.append(f"{service.name}计入了{kinds} {unsure} 处，其中哪些是{service.name}未知")
    placed = [
        services[key].name
        for key, one in by_service.items()
        if one.facilities["precision"].isin(IMPLIED).any()
    ]
    if placed:
        notes.append(f"{'、'.join(placed)}为按规划标准推定的点位，不是实测位置；导入真实设施后再作结论")
    straight = sorted({one.mode.name for one in solved.values() if one.network is None})
    if straight:
        notes.append(f"没有路网的出行方式（{'、'.join(straight)}）按直线距离 × 绕行系数估算")
    scarce = {note for one in by_service.values() for note in one.given_notes if SCARCE in note}
    if scarce:
        notes.append("部分服务的设施数据只有一部分县（市、区）有点位：空白可能是数据缺失")
    return notes


def _of_roads(solved: Solved) -> list[str]:
    """Return what must be said of people and facilities that the roads of a mode do not cover."""
    notes = []
    for mode in dict.fromkeys(mode for _, mode in solved):
        some = [one for (_, own), one in solved.items() if own == mode and one.network is not None]
        if not some:
            continue
        people = some[0].cells[POPULATION].to_numpy(dtype=np.float64)
        by_line, everybody = people_where(people, np.any([one.travel.straight for one in some], axis=0))
        facilities = pd.concat([one.facilities["id"] for one in some])
        off = pd.concat([one.facilities["id"].iloc[one.travel.unplaced] for one in some])
        counted = {"设施": (int(off.nunique()), int(facilities.nunique()))}
        told = road_notes(some[0].mode, straight_people=by_line, people=everybody, off_road=counted)
        notes += [f"{some[0].mode.name}：{note}" for note in told]
    return notes


def _of_water(solved: Solved) -> list[str]:
    """Return what must be said of people whose line to some service leads round water or over a crossing."""
    if not solved:
        return []
    people = next(iter(solved.values())).cells[POPULATION].to_numpy(dtype=np.float64)
    around = np.any([one.travel.around for one in solved.values()], axis=0)
    return water_notes(*people_where(people, around))
