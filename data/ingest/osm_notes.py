"""What a person should know of an extract that was read, in Chinese."""

from collections.abc import Iterable, Sequence

import pandas as pd

from data.ingest.osm_access import AccessTold
from data.ingest.osm_network import OsmNetwork
from data.registry.mode_models import load_modes

_SHOWN = 20


def facility_notes(located: pd.DataFrame, merges: pd.DataFrame, unplaced: Sequence[str]) -> list[str]:
    """Return what became of the facilities; the arguments are as ``data.ingest.osm.Extract`` has them."""
    notes = []
    outside = int(located["adcode"].isna().sum())
    if outside:
        notes.append(f"{outside} 处设施在省界以外：参与可达性计算，不计入任何县（市、区）。")
    if len(merges):
        notes.append(f"{len(merges)} 个对象画在同类设施的范围内，与其合并为一处。")
    if unplaced:
        shown = "、".join(unplaced[:_SHOWN]) + ("等" if len(unplaced) > _SHOWN else "")
        notes.append(f"{len(unplaced)} 处设施没有完整的几何，无法定位，未导入：{shown}。")
    return notes


def network_notes(network: OsmNetwork) -> list[str]:
    """Return how large the network is, where it ends, and what its tags said that was not clear."""
    notes = []
    if len(network.edges):
        kilometres = network.edges["length_m"].sum() / 1000
        ferries = int(network.edges["ferry"].sum())
        notes.append(
            f"路网：{network.ways:,} 条道路，{len(network.nodes):,} 个结点，{len(network.edges):,} 个路段，"
            f"共 {kilometres:,.0f} 公里，其中轮渡 {ferries} 段；已替换此前导入的路网。"
        )
    if network.missing_nodes:
        notes.append(f"道路有 {network.missing_nodes:,} 个结点在数据包范围以外，道路到此为止。")
    return notes + access_notes(network.told)


def access_notes(told: AccessTold) -> list[str]:
    """Return what the tags of access said that was not applied, not known, or stops somebody."""
    notes = []
    if told.unknown_ways:
        notes.append(
            f"{told.unknown_ways:,} 条道路的通行权标签有对照表里没有的取值，当作没有写"
            f"（{_listed(told.unknown, '条')}）；可在 osm_mapping.yaml 的 roads.allow、roads.deny 里补上。"
        )
    if told.conditional_ways:
        notes.append(
            f"{told.conditional_ways:,} 条道路的通行权或单向按时段而定（:conditional），这一部分未采用。"
        )
    if told.silent_ferries:
        notes.append(
            f"{told.ferries:,} 条轮渡中有 {told.silent_ferries:,} 条的标签没有说载什么，按对照表只载行人；"
            "能载车的，请在 OpenStreetMap 里补上 motor_vehicle=yes。"
        )
    names = {mode.id: mode.name for mode in load_modes().values()}
    stopping = [(names[mode], count) for mode, count in told.barriers if count and mode in names]
    if stopping:
        stopped = "、".join(f"挡住{name} {count:,} 处" for name, count in stopping)
        notes.append(f"道路上的路障：{stopped}。")
    if told.unknown_barriers:
        listed = _listed(told.unknown_barriers, "处")
        notes.append(f"对照表里没有的路障种类不挡任何人：{listed}。")
    return notes


def _listed(counts: Iterable[tuple[str, int]], unit: str) -> str:
    return "、".join(f"{text} {count:,} {unit}" for text, count in counts)
