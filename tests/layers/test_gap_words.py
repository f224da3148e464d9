"""The sentences on gaps against sentences written by hand: rising, falling, equal, undefined, tied."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.gaps import compare_years, load_gap
from data.store.store import Store
from geo.convergence import beta_convergence, sigma_convergence
from geo.gaps import GapComparison
from geo.spatial import local_moran
from layers.words import gap as words
from tests.layers.gap_worlds import NAN, beside, gap, subject


def wide(ratio: float) -> list[float]:
    """Return values whose south has ``ratio`` times the north."""
    return [100 * ratio, 100 * ratio, 150, 150, 100, 100]


# The ratio of south and north


@pytest.mark.parametrize(
    ("now", "then", "sentence"),
    [
        (2.0, 3.0, "2020 年苏南人均收入是苏北的 2.00 倍（200 元 对 100 元），差距较 2010 年的 3.00 倍缩小。"),
        (3.0, 2.0, "2020 年苏南人均收入是苏北的 3.00 倍（300 元 对 100 元），差距较 2010 年的 2.00 倍扩大。"),
        (2.0, 2.0, "2020 年苏南人均收入是苏北的 2.00 倍（200 元 对 100 元），与 2010 年持平。"),
        # What is printed alike is alike.
        (2.001, 1.999, "2020 年苏南人均收入是苏北的 2.00 倍（200 元 对 100 元），与 2010 年持平。"),
        # Below one the gap narrows by rising.
        (0.9, 0.8, "2020 年苏南人均收入是苏北的 0.90 倍（90 元 对 100 元），差距较 2010 年的 0.80 倍缩小。"),
        (0.5, 0.8, "2020 年苏南人均收入是苏北的 0.50 倍（50 元 对 100 元），差距较 2010 年的 0.80 倍扩大。"),
        (
            0.9,
            1.2,
            "2020 年苏南人均收入是苏北的 0.90 倍（90 元 对 100 元），2010 年为 1.20 倍，高低已经易位。",
        ),
        (1.0, 1.2, "2020 年苏南人均收入是苏北的 1.00 倍（100 元 对 100 元），差距较 2010 年的 1.20 倍缩小。"),
        (0.0, 0.5, "2020 年苏南人均收入是苏北的 0.00 倍（0 元 对 100 元），差距较 2010 年的 0.50 倍扩大。"),
    ],
)
def test_south_and_north(now: float, then: float, sentence: str) -> None:
    assert words.south_north(gap(wide(now)), gap(wide(then), 2010)) == sentence


def test_south_and_north_alone_or_undefined() -> None:
    alone = words.south_north(gap(wide(2.0)), None)
    assert alone == "2020 年苏南人均收入是苏北的 2.00 倍（200 元 对 100 元）。"
    lost = gap([200, 200, 150, 150, NAN, NAN])
    assert words.south_north(lost, gap(wide(2), 2010)) == "2020 年苏南人均收入与苏北无法比较：苏北没有数值。"
    earlier = gap([200, 200, 150, 150, NAN, NAN], 2010)
    assert words.south_north(gap(wide(2)), earlier) == (
        "2020 年苏南人均收入是苏北的 2.00 倍（200 元 对 100 元）；2010 年无法比较：苏北没有数值。"
    )
    zero = gap([2, 2, 1, 1, 0, 0])
    assert "苏北的数值为零，比值无定义" in words.south_north(zero, None)
    assert "苏北的数值为负，比值没有意义" in words.south_north(gap([2, 2, 1, 1, -1, -1]), None)


def test_the_regions_own_figures_count_not_the_mean_of_their_members() -> None:
    now = gap(wide(2.0), regional=[250, 150, 100])
    assert words.south_north(now, None) == "2020 年苏南人均收入是苏北的 2.50 倍（250 元 对 100 元）。"


# Highest and lowest


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            [500, 300, 200, 200, 150, 100],
            "2020 年各设区市的人均收入，最高的是甲市（500 元），最低的是己市（100 元），"
            "相差 400 元，前者是后者的 5.00 倍。",
        ),
        (
            [500, 500, 200, 200, 100, 100],
            "2020 年各设区市的人均收入，最高的是甲市、乙市（500 元），最低的是戊市、己市（100 元），"
            "相差 400 元，前者是后者的 5.00 倍。",
        ),
        ([80] * 6, "2020 年各设区市的人均收入相同，都是 80 元。"),
        ([80.1, *[80] * 5], "2020 年各设区市的人均收入相同，都是 80 元，差别小于所示位数。"),
        (
            [90, 80, 70, 60, 50, 0],
            "2020 年各设区市的人均收入，最高的是甲市（90 元），最低的是己市（0 元），"
            "相差 90 元，不计倍数（最低的地区数值为零，比值无定义）。",
        ),
        (
            [90, 80, 70, 60, 50, -10],
            "2020 年各设区市的人均收入，最高的是甲市（90 元），最低的是己市（−10 元），"
            "相差 100 元，不计倍数（最低的地区数值为负，比值没有意义）。",
        ),
        ([90] + [NAN] * 5, "2020 年各设区市的人均收入只有甲市有数值（90 元），谈不上差距。"),
        ([NAN] * 6, "2020 年各设区市的人均收入都没有数值：缺数。"),
        (
            [9, 9, 9, 9, 1, 2],
            "2020 年各设区市的人均收入，最高的是甲市、乙市、丙市等 4 个（9 元），最低的是戊市（1 元），"
            "相差 8 元，前者是后者的 9.00 倍。",
        ),
    ],
)
def test_extremes(values: list[float], sentence: str) -> None:
    assert words.extremes(gap(values)) == sentence


def test_a_difference_of_percentages_is_in_points() -> None:
    share = subject(unit="%", decimals=1, name="城镇化率")
    said = words.extremes(gap([80.5, 70, 60, 60, 50, 40.25], of=share))
    assert said.startswith("2020 年各设区市的城镇化率，最高的是甲市（80.5%），最低的是己市（40.2%）")
    assert "相差 40.3 个百分点" in said
    points = subject(unit="百分点", decimals=1)
    assert "（80.5 个百分点）" in words.extremes(gap([80.5, 70, 60, 60, 50, 40.25], of=points))


# The spread


def test_spread_rising_falling_equal() -> None:
    narrow, far = gap([110, 110, 100, 100, 90, 90]), gap([150, 150, 100, 100, 50, 50], 2010)
    near = "2020 年各设区市之间的变异系数为 0.082"
    assert words.spread(beside(narrow), "cv") == f"{near}。"
    assert words.spread(beside(narrow, far), "cv") == f"{near}，差距较 2010 年的 0.408 缩小。"
    later, earlier = gap([150, 150, 100, 100, 50, 50], 2021), narrow
    assert words.spread(beside(later, earlier), "cv").endswith("差距较 2020 年的 0.082 扩大。")
    same = gap([220, 220, 200, 200, 180, 180], 2010)
    assert words.spread(beside(narrow, same), "cv") == f"{near}，差距与 2010 年持平。"


def test_spread_undefined_now_or_then() -> None:
    negative = gap([1, 1, 1, 1, 1, -1])
    assert words.spread(beside(negative), "gini") == (
        "2020 年各设区市之间的基尼系数无定义：有 1 个地区的数值为负，基尼系数无定义。"
    )
    now, then = gap([110, 110, 100, 100, 90, 90]), gap([1, 1, 1, 1, 1, -1], 2010)
    assert words.spread(beside(now, then), "cv") == (
        "2020 年各设区市之间的变异系数为 0.082；与 2010 年无法比较：有 1 个地区的数值为负，变异系数无定义。"
    )


def test_spread_over_the_regions_that_both_years_have() -> None:
    now, then = gap([300, 110, 100, 100, 90, 90]), gap([NAN, 150, 100, 100, 50, 50], 2010)
    common = (gap([NAN, 110, 100, 100, 90, 90]), then)
    said = words.spread(GapComparison(now, then, *common), "cv")
    assert said == (
        "2020 年各设区市之间的变异系数为 0.574；只看两年都有数值的 5 个设区市，"
        "2010 年为 0.416，2020 年为 0.076，差距缩小。"
    )


# Between and within


def test_where_the_gap_sits() -> None:
    between, within = gap([200, 200, 150, 150, 100, 100]), gap([200, 100, 200, 100, 200, 100], 2010)
    head = "按泰尔指数分解，2020 年的差距有 100% 在苏南、苏中、苏北之间，0% 在区域内部各设区市之间"
    assert words.where_it_sits(beside(between)) == f"{head}，主要是区域之间的差距。"
    assert words.where_it_sits(beside(between, within)) == (
        f"{head}，主要是区域之间的差距；区域之间所占的比重较 2010 年的 0% 上升。"
    )
    inside = words.where_it_sits(beside(within))
    assert "0% 在苏南、苏中、苏北之间，100% 在区域内部" in inside
    assert inside.endswith("主要是区域内部的差距。")
    assert words.where_it_sits(beside(within, between)).endswith("较 2020 年的 100% 下降。")
    assert words.where_it_sits(beside(between, between)).endswith("与 2020 年持平。")


def test_half_and_half() -> None:
    # What lies between the two groups is what lies inside each of them: three to one.
    pair = gap([9.0, 3.0, 3.0, 1.0])
    assert round(pair.theil.between_share.value * 100) == 50
    assert "50% 在苏南、苏中、苏北之间，50% 在区域内部" in words.where_it_sits(beside(pair))
    assert words.where_it_sits(beside(pair)).endswith("两者各占一半。")


def test_a_gap_that_cannot_be_split() -> None:
    equal, negative = gap([5] * 6), gap([1, 1, 1, 1, 1, -1], 2010)
    assert words.where_it_sits(beside(equal)) == "2020 年的差距无法分解：各地区完全相同，没有差距可以分解。"
    assert "有 1 个地区的数值为负" in words.where_it_sits(beside(negative))
    said = words.where_it_sits(beside(gap(wide(2)), negative))
    assert said.endswith("；2010 年无法分解：有 1 个地区的数值为负，泰尔指数无定义。")


def test_counties_have_three_parts_and_ties() -> None:
    county = subject(level="county")
    even = gap([200, 200, 150, 150, 100, 100], of=county)
    said = words.where_it_sits(beside(even))
    assert said == (
        "按泰尔指数分解，2020 年的差距有 100% 在苏南、苏中、苏北之间，0% 在同一区域的设区市之间，"
        "0% 在同一设区市的县（市、区）之间，最大的一块在苏南、苏中、苏北之间。"
    )
    tied = words.where_it_sits(beside(gap([9.0, 3.0, 3.0, 1.0], of=county)))
    assert tied.endswith("苏南、苏中、苏北之间和同一设区市的县（市、区）之间并列最大。")


def test_inside_the_regions() -> None:
    told = words.inside_regions(gap([300, 100, 110, 90, 110, 90]))
    assert told == (
        "2020 年三大区域内部各设区市之间的差距，苏南（变异系数 0.500）最大，"
        "苏中、苏北（变异系数 0.100）最小。"
    )
    same = words.inside_regions(gap([110, 90, 110, 90, 110, 90]))
    assert same == "2020 年三大区域内部各设区市之间的差距相同（变异系数都是 0.100）。"
    few = words.inside_regions(gap([1, 2, 3, NAN, NAN, NAN]))
    assert few == (
        "2020 年三大区域内部各设区市之间的差距无法比较："
        "苏南有数值的设区市2 个、苏中有数值的设区市1 个、苏北有数值的设区市0 个。"
    )
    each_one = words.inside_regions(gap([1, NAN, 2, NAN, 3, NAN]))
    assert each_one == (
        "2020 年三大区域内部各设区市之间的差距无法比较："
        "苏南有数值的设区市1 个、苏中有数值的设区市1 个、苏北有数值的设区市1 个。"
    )
    below = words.inside_regions(gap([1, -2, 2, -3, 3, 4]))
    assert below.endswith("无法比较：数值有负数或合计为零。")


# What a reader must know


def test_remarks() -> None:
    assert words.remarks(beside(gap(wide(2)))) == ""
    marked = {"remarks": ("数据为二手转录",), "breaks": ((2015, "2015 年换了口径"), (2030, "以后"))}
    now, then = gap(wide(2), **marked), gap([1, 1, 1, 1, 1, NAN], 2010)
    assert words.remarks(beside(now, then)) == (
        "数据为二手转录；2015 年换了口径；2010 年有 1 个设区市没有数值（缺数）。"
    )
    assert "换了口径" not in words.remarks(beside(now))
    flagged = gap(wide(2), flags=(("甲市", "甲市的数疑有误"),))
    assert words.remarks(beside(flagged)) == "甲市的数疑有误。"
    many = gap(wide(2), flags=tuple((f"{name}市", f"{name}变") for name in "甲乙丙"))
    assert words.remarks(beside(many)) == "2020 年有 3 个地区的范围或口径有变动。"
    several = gap([1, 1, 1, 1, NAN, NAN], reasons={"戊": "改划：一", "己": "改划：二"})
    assert words.remarks(beside(several)) == "2020 年有 2 个设区市没有数值（改划）。"


# Convergence


def test_sigma() -> None:
    course = sigma_convergence(pd.DataFrame({2005: [1.0, 3.0], 2010: [1.0, 4.0], 2020: [2.0, 3.0]}))
    assert words.sigma(course, subject()) == (
        "2005–2020 年，2 个设区市之间的变异系数由 0.500 到 0.200，差距缩小（σ 趋同）；"
        "2010 年最大，2020 年最小。"
    )
    up = words.sigma(course.iloc[:2], subject())
    assert up == "2005–2010 年，2 个设区市之间的变异系数由 0.500 到 0.600，差距扩大（σ 趋异）。"
    flat = sigma_convergence(pd.DataFrame({2005: [1.0, 3.0], 2010: [2.0, 6.0], 2020: [3.0, 9.0]}))
    assert words.sigma(flat, subject()).endswith("首尾持平。")
    assert words.sigma(course.iloc[:1], subject()) == "看不出差距的走向：有数值的年份不足两个。"
    one = sigma_convergence(pd.DataFrame({2005: [1.0], 2010: [2.0]}))
    assert words.sigma(one, subject()) == "看不出差距的走向：只有一个地区有数值，谈不上差距。"


def test_beta() -> None:
    first = np.array([1.0, 2.0, 5.0, 9.0])
    near = beta_convergence(first, np.exp(np.log(first) * np.exp(-0.02 * 15)), 15, significant_p=0.05)
    assert words.beta(near, subject(), 2005, 2020) == (
        "2005–2020 年起点低的设区市增长更快（p < 0.001，R² 1.00，4 个设区市），每年趋同 2.0%，"
        "照此差距减半约需 35 年（β 趋同）。"
    )
    apart = words.beta(beta_convergence(first, first**1.5, 15, significant_p=0.05), subject(), 2005, 2020)
    assert apart.startswith("2005–2020 年起点高的设区市增长更快")
    assert apart.endswith("差距趋于扩大（β 趋异）。")
    alike = words.beta(beta_convergence(first, 2 * first, 15, significant_p=0.05), subject(), 2005, 2020)
    assert alike == (
        "2005–2020 年起点高低与增长快慢没有显著关系（p = 1.000，R² 0.00，4 个设区市），看不出趋同或趋异。"
    )
    level = words.beta(
        beta_convergence(first, np.full(4, 3.0), 15, significant_p=0.05), subject(), 2005, 2020
    )
    assert level == (
        "2005–2020 年起点低的设区市增长更快（p < 0.001，R² 1.00，4 个设区市），到 2020 年各地相同（β 趋同）。"
    )
    over = words.beta(beta_convergence(first, 10 / first, 15, significant_p=0.05), subject(), 2005, 2020)
    assert "已经反超" in over
    none = words.beta(beta_convergence([1.0, 2.0], [1.0, 2.0], 5, significant_p=0.05), subject(), 2005, 2010)
    assert none == ("2005–2010 年起点与增速的关系无法判断：两年都有数值的地区只有 2 个，至少要 3 个。")


# Spots


def chain(count: int) -> np.ndarray:
    steps = [(at, at + 1) for at in range(count - 1)]
    return np.array(sorted(steps + [(b, a) for a, b in steps]))


def test_spots_are_named() -> None:
    values = pd.Series([9.0] * 8 + [1.0] * 8, index=[f"r{number:02d}" for number in range(16)])
    # A ring of friends: everybody knows the four nearest on each side.
    near = [(a, b) for a in range(16) for b in range(16) if 0 < abs(a - b) <= 4]
    found = local_moran(values, np.array(near), false_discovery=0.1)
    names = pd.Series({code: f"{code}县" for code in values.index})
    said = words.spot_words(found, names)
    assert said.startswith("热点（高值集聚）")
    assert "冷点（低值集聚）" in said
    assert "r00县" in said.partition("冷点")[0] or "r03县" in said.partition("冷点")[0]
    assert said.endswith("（假发现率 10%）。")
    together = words.moran_words(found, subject(), 2020, significant_p=0.05)
    assert together.startswith("2020 年人均收入相近的设区市显著地聚在一起（莫兰指数")


def test_no_spots_and_no_pattern() -> None:
    generator = np.random.default_rng(5)
    values = pd.Series(generator.normal(size=20))
    found = local_moran(values, chain(20), permutations=499, false_discovery=0.05)
    assert words.spot_words(found, values.index.to_series()) == "没有通过检验的热点或冷点（假发现率 5%）。"
    assert "看不出相邻地区相似或相异" in words.moran_words(found, subject(), 2020, significant_p=0.05)
    turns = local_moran(pd.Series([1.0, 9.0] * 15), chain(30), permutations=499, false_discovery=0.05)
    assert "显著地高低相间" in words.moran_words(turns, subject(), 2020, significant_p=0.05)
    equal = local_moran(pd.Series([2.0] * 9), chain(9), permutations=9, false_discovery=0.05)
    why = "各地区数值全部相同，谈不上集聚"
    assert words.spot_words(equal, pd.Series(dtype=str)) == f"没有热点和冷点可说：{why}。"
    assert (
        words.moran_words(equal, subject(), 2020, significant_p=0.05)
        == f"2020 年人均收入无法判断是否集聚：{why}。"
    )


# On the store


@pytest.mark.parametrize("level", ["prefecture", "county"])
@pytest.mark.parametrize("values", [[0.1] * 6, [7.0] * 6, [99.9] * 6, [3.0, 3.0, 5.0, 5.0, 7.0, 7.0]])
def test_the_last_bits_change_no_sentence(values: list[float], level: str) -> None:
    """Whatever a unit in the last place, here or there: the same words, those on equal values among them."""
    of = subject(level=level, decimals=2)
    plain = words.gap_sentences(beside(gap(values, of=of)))
    for seed in range(20):
        ways = np.random.default_rng(seed).choice([-np.inf, 0.0, np.inf], 6)
        moved = [
            value if way == 0 else float(np.nextafter(value, way))
            for value, way in zip(values, ways, strict=True)
        ]
        assert words.gap_sentences(beside(gap(moved, of=of))) == plain
    alike = len(set(values)) == 1
    assert ("各地区完全相同，没有差距可以分解" in plain["where"]) == alike
    assert ("相同，都是" in plain["extremes"]) == alike


def test_a_sentence_changes_when_its_fact_changes(built_store: Store) -> None:
    source = load_gap(built_store, "gdp_per_head", "prefecture")
    before = words.gap_sentences(compare_years(source, 2023, 2005))
    facts = source.facts.copy()
    facts.loc[(facts["adcode"] == "320N00") & (facts["year"] == 2023), "value"] /= 3
    facts.loc[(facts["adcode"] == "321300") & (facts["year"] == 2023), "value"] = 250_000.0
    after = words.gap_sentences(compare_years(type(source)(**{**vars(source), "facts": facts}), 2023, 2005))
    assert "缩小" in before["south_north"]
    assert "扩大" in after["south_north"]
    assert "最低的是宿迁市" in before["extremes"]
    assert "最高的是宿迁市（250,000 元/人）" in after["extremes"]
    assert all(before[topic] != after[topic] for topic in ("extremes", "spread", "where", "inside"))
