"""综合指数: examples, weights that must sum, a link and a saved index that reopen the same view."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.composite import list_indices
from data.registry.index_models import load_index_examples
from data.store.store import Store
from pages.composite.controls import decode, encode
from tests.pages.running import assert_calm, link, start, text_of

EXAMPLES = load_index_examples()
WEIGHTED = EXAMPLES["基本公共服务水平指数（示例权重）"]


@pytest.fixture
def here(own_data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SUTU_DATA_DIR", str(own_data_dir))
    return own_data_dir


def test_a_link_reopens_the_same_index(here: Path, built_store: Store) -> None:
    for spec in EXAMPLES.values():
        assert decode(encode(spec)) == spec
    app = start("pages.composite.page", spec=encode(WEIGHTED))
    assert decode(link(app)["spec"]) == WEIGHTED
    assert WEIGHTED.name in app.title[0].value.replace("\\", "")
    told = text_of(app)
    assert "得分最高的是" in told and "种方法组合" in told and "不是官方发布的指数" in told
    for panel in ("weights", "table"):
        assert_calm(start("pages.composite.page", spec=encode(WEIGHTED), panel=panel))


def test_weights_that_do_not_sum_are_a_fault_until_they_are_spread(here: Path) -> None:
    app = start("pages.composite.page", spec=encode(WEIGHTED))
    app.number_input(key="ci_w_tap_water_share").set_value(30.0).run()
    assert_calm(app)
    assert "专家权重之和为 1.2，应为 1" in app.warning[0].value.replace("\\", "")
    assert "得分最高" not in text_of(app)
    next(one for one in app.button if "100%" in one.label).click().run()
    assert_calm(app)
    assert not app.warning
    assert app.number_input(key="ci_w_tap_water_share").value == pytest.approx(25.0)
    spec = decode(link(app)["spec"])
    assert spec is not None and sum(part.weight or 0 for part in spec.parts) == pytest.approx(1.0)


def test_an_index_is_saved_under_its_name_and_reopened_by_its_link(here: Path) -> None:
    app = start("pages.composite.page", spec=encode(WEIGHTED))
    app.text_input(key="ci_name").set_value("本市指数").run()
    app.button(key="save_index").click().run()
    assert_calm(app)
    (saved,) = list_indices(here)
    assert saved.spec == WEIGHTED.model_copy(update={"name": "本市指数"})
    assert link(app)["saved"] == saved.key and "spec" not in link(app)
    again = start("pages.composite.page", saved=saved.key)
    assert again.text_input(key="ci_name").value == "本市指数"
    assert again.multiselect(key="ci_parts").value == [part.id for part in WEIGHTED.parts]
    assert any("本市指数" in option for option in again.selectbox(key="ci_start").options)


def test_another_example_can_be_opened_and_parts_changed(here: Path) -> None:
    app = start("pages.composite.page")
    listed = next(option for option in app.selectbox(key="ci_start").options if "设区市" in option)
    app.selectbox(key="ci_start").select(listed).run()
    assert_calm(app)
    assert "设区市发展水平" in app.title[0].value
    app.multiselect(key="ci_parts").set_value(["gdp_per_head"]).run()
    assert_calm(app)
    assert "13 个设区市中，得分最高的是" in text_of(app)
    app.multiselect(key="ci_parts").set_value([]).run()
    assert_calm(app)
    assert "至少选一个" in app.info[0].value


@pytest.mark.parametrize(
    "address", [{"spec": "%%%"}, {"spec": "x" * 9000}, {"saved": "../x"}, {"saved": "0" * 12}]
)
def test_an_address_that_is_none_falls_back_and_says_so(here: Path, address: dict[str, str]) -> None:
    app = start("pages.composite.page", **address)
    assert any("综合指数" in box.value for box in app.warning)
    assert "得分最高的是" in text_of(app)
