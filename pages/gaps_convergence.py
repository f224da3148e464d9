"""The panel 趋同 of the page 区域差距: the spread through the years, and growth against the start."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from data.store import Store
from geo.convergence import beta_convergence, growth_rates, sigma_convergence
from geo.gaps import GapComparison
from layers.gap_charts import beta_scatter, measure_course
from layers.gap_words import beta, sigma
from pages import cached, components
from pages.components import plain
from pages.gaps_choice import GapChoice
from pages.gaps_data import values_panel


def show_convergence(store: Store, choice: GapChoice, found: GapComparison) -> None:
    """Draw sigma and beta convergence with their sentences."""
    subject, values = found.now.subject, values_panel(store, choice.source)
    if values.shape[1] < 2:
        st.info("该指标只有一个年份的数据，看不出趋同或趋异。", icon=":material/info:")
        return
    left, right = st.columns(2, gap="medium")
    with left:
        spread = sigma_convergence(values)
        st.markdown(plain(sigma(spread, subject)))
        drawn = spread.rename(columns={"cv": "value"})
        chart = measure_course(drawn, {"value": "变异系数"}, dict(found.now.breaks), decimals=3)
        components.chart(chart, key="gap_sigma")
    with right:
        first = choice.before if choice.before is not None else int(values.columns[0])
        if first >= choice.year:
            st.info("请选择一个较早的年份来比较。", icon=":material/info:")
            return
        span = choice.year - first
        fit = beta_convergence(values[first], values[choice.year], span)
        st.markdown(plain(beta(fit, subject, first, choice.year)))
        table = cached.region_table(store)
        rows = pd.DataFrame(
            {
                "name": table["short_name"].reindex(values.index),
                "group": table["economic_region"].reindex(values.index),
                "start": values[first],
                "growth": growth_rates(values[first], values[choice.year], span),
            }
        )
        chart = beta_scatter(rows, fit.slope, fit.intercept, first=first, unit=subject.unit)
        components.chart(chart, key="gap_beta")
