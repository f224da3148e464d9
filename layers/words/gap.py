"""The gap in sentences: every word and figure from the results given, none of them canned.

A change is judged by the figures as printed: what reads the same is called 持平. What is undefined is said
with its reason. Pages, command and report take their sentences from here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from geo.convergence import BetaConvergence
from geo.disparity import Measure
from geo.gaps import MEASURES, GapAnalysis, GapComparison, GapSubject
from geo.region_tree import NORTH, SOUTH
from geo.rounding import all_equal, settled
from geo.spatial import HIGH_HIGH, HIGH_LOW, LOW_HIGH, LOW_LOW, LocalMoran
from layers.model import format_number

RATIO_DECIMALS, INDEX_DECIMALS = 2, 3
_MOST_NAMES = 20
_UNITS = {"%": "%", "百分点": " 个百分点"}


def gap_sentences(found: GapComparison) -> dict[str, str]:
    """Return the sentences on a gap by topic: extremes, south_north, spread, where, inside, remarks.

    The order is that of reading; ``remarks`` is left out where there is nothing to remark.
    """
    said = {
        "extremes": extremes(found.now),
        "south_north": south_north(found.now, found.then),
        "spread": spread(found, "cv"),
        "where": where_it_sits(found),
        "inside": inside_regions(found.now),
    }
    remark = remarks(found)
    return said | ({"remarks": remark} if remark else {})


def short(name: str) -> str:
    """Return an indicator's name without its remark in brackets."""
    return name.partition("（")[0]


def amount(value: float, subject: GapSubject) -> str:
    """Return a value with its unit as people write it."""
    number = format_number(value, subject.decimals)
    unit = _UNITS.get(subject.unit, f" {subject.unit}")
    return f"{number}{unit}"


def difference(value: float, subject: GapSubject) -> str:
    """Return a difference of two values with its unit; of percentages in 个百分点."""
    unit = "个百分点" if subject.unit in _UNITS else subject.unit
    return f"{format_number(value, subject.decimals)} {unit}"


def extremes(now: GapAnalysis) -> str:
    """Return which regions are highest and lowest, and how far apart."""
    subject, values = now.subject, now.defined
    where = f"{now.year} 年各{subject.level_word}的{short(subject.name)}"
    names = now.frame["name"]
    if values.empty:
        return f"{where}都没有数值：{_most_common(now.missing['reason'])}。"
    if len(values) == 1:
        return f"{where}只有{names[values.index[0]]}有数值（{amount(values.iloc[0], subject)}），谈不上差距。"
    # Equal values read the same, also where the last digit printed hangs on the last bits.
    shown = pd.Series(settled(values), index=values.index).round(subject.decimals)
    high, low = shown.max(), shown.min()
    if high == low:
        # What is printed alike may still differ, and then has a gap that is split elsewhere on the page.
        apart = "" if all_equal(values) else "，差别小于所示位数"
        return f"{where}相同，都是 {amount(high, subject)}{apart}。"
    tops, bottoms = (listed(names[shown.index[shown == end]], 3) for end in (high, low))
    ratio = now.measures["max_min_ratio"]
    times = (
        f"前者是后者的 {format_number(ratio.value, RATIO_DECIMALS)} 倍"
        if ratio.defined
        else f"不计倍数（{ratio.reason}）"
    )
    return (
        f"{where}，最高的是{tops}（{amount(high, subject)}），最低的是{bottoms}（{amount(low, subject)}），"
        f"相差 {difference(high - low, subject)}，{times}。"
    )


def south_north(now: GapAnalysis, then: GapAnalysis | None) -> str:
    """Return how many times the north's figure the south's is, and whether the two have drawn nearer."""
    return ratio_sentence(
        f"{now.year} 年苏南{short(now.subject.name)}",
        "苏北",
        now.measures["south_north_ratio"],
        None if then is None else then.measures["south_north_ratio"],
        None if then is None else then.year,
        values=tuple(amount(value, now.subject) for value in now.regional["value"].reindex([SOUTH, NORTH])),
    )


def ratio_sentence(
    who: str,
    whom: str,
    ratio: Measure,
    before: Measure | None,
    before_year: int | None,
    *,
    values: tuple[str, ...] = (),
) -> str:
    """Return a ratio of two regions as a sentence, with how it stands to an earlier one.

    ``who`` opens the sentence (with year and indicator), ``whom`` is what it is held against; ``values`` are
    the two figures as text.
    """
    if not ratio.defined:
        return f"{who}与{whom}无法比较：{ratio.reason}。"
    figures = f"（{' 对 '.join(values)}）" if values else ""
    number = _ratio(ratio.value)
    text = f"{who}是{whom}的 {number} 倍{figures}"
    if before is None:
        return f"{text}。"
    if not before.defined:
        return f"{text}；{before_year} 年无法比较：{before.reason}。"
    return f"{text}，{_ratio_change(ratio.value, before.value, before_year)}。"


def _ratio(value: float) -> str:
    return format_number(value, RATIO_DECIMALS)


def _ratio_change(now: float, before: float, year: int | None) -> str:
    """Return how a ratio changed; a gap is how far it is from one, on either side."""
    one, other = round(now, RATIO_DECIMALS), round(before, RATIO_DECIMALS)
    if one == other:
        return f"与 {year} 年持平"
    if (one - 1) * (other - 1) < 0:
        return f"{year} 年为 {_ratio(before)} 倍，高低已经易位"
    near, far = (abs(math.log(value)) if value > 0 else math.inf for value in (one, other))
    word = "缩小" if near < far else "扩大"
    return f"差距较 {year} 年的 {_ratio(before)} 倍{word}"


def spread(found: GapComparison, measure: str) -> str:
    """Return a measure of the spread of all regions, and whether it has grown over the same regions."""
    now, then = found.now, found.then
    name, value = MEASURES[measure], now.measures[measure]
    where = f"{now.year} 年各{now.subject.level_word}之间的{name}"
    if not value.defined:
        return f"{where}无定义：{value.reason}。"
    text = f"{where}为 {_index(value.value)}"
    if then is None or found.common_now is None or found.common_then is None:
        return f"{text}。"
    current, earlier = found.common_now.measures[measure], found.common_then.measures[measure]
    for one in (earlier, current):
        if not one.defined:
            return f"{text}；与 {then.year} 年无法比较：{one.reason}。"
    word = change_word(current.value, earlier.value, INDEX_DECIMALS)
    if found.same_regions:
        if word == "持平":
            return f"{text}，差距与 {then.year} 年持平。"
        return f"{text}，差距较 {then.year} 年的 {_index(earlier.value)} {word}。"
    return (
        f"{text}；只看两年都有数值的 {len(found.common_now.defined)} 个{now.subject.level_word}，"
        f"{then.year} 年为 {_index(earlier.value)}，{now.year} 年为 {_index(current.value)}，差距{word}。"
    )


def change_word(now: float, before: float, decimals: int) -> str:
    """Return 扩大, 缩小 or 持平, judged by the figures as printed."""
    one, other = round(now, decimals), round(before, decimals)
    return "持平" if one == other else "扩大" if one > other else "缩小"


def _index(value: float) -> str:
    return format_number(value, INDEX_DECIMALS)


def where_it_sits(found: GapComparison) -> str:
    """Return whether the gap lies between the economic regions or inside them, by the Theil index."""
    now = found.now
    share = now.theil.between_share
    if not share.defined:
        return f"{now.year} 年的差距无法分解：{share.reason}。"
    if now.nested is not None:
        return _three_parts(now)
    between = round(share.value * 100)
    side = "区域之间" if between > 50 else "区域内部"
    verdict = "两者各占一半" if between == 50 else f"主要是{side}的差距"
    text = (
        f"按泰尔指数分解，{now.year} 年的差距有 {between}% 在苏南、苏中、苏北之间，"
        f"{100 - between}% 在区域内部各{now.subject.level_word}之间，{verdict}"
    )
    then = found.then
    if then is None:
        return f"{text}。"
    before = then.theil.between_share
    if not before.defined:
        return f"{text}；{then.year} 年无法分解：{before.reason}。"
    earlier = round(before.value * 100)
    if earlier == between:
        return f"{text}；区域之间所占的比重与 {then.year} 年持平。"
    word = "上升" if between > earlier else "下降"
    return f"{text}；区域之间所占的比重较 {then.year} 年的 {earlier}% {word}。"


def _three_parts(now: GapAnalysis) -> str:
    """Return the three parts of the counties' gap, the largest named."""
    nested = now.nested
    assert nested is not None  # noqa: S101 - the caller has looked
    parts = {
        "苏南、苏中、苏北之间": nested.between_outer,
        "同一区域的设区市之间": nested.between_inner,
        "同一设区市的县（市、区）之间": nested.within_inner,
    }
    shares = {name: value / nested.total * 100 for name, value in parts.items()}
    shown = {name: round(value) for name, value in shares.items()}
    largest = [name for name, value in shown.items() if value == max(shown.values())]
    told = "，".join(f"{value}% 在{name}" for name, value in shown.items())
    verdict = f"最大的一块在{largest[0]}" if len(largest) == 1 else f"{'和'.join(largest)}并列最大"
    return f"按泰尔指数分解，{now.year} 年的差距有 {told}，{verdict}。"


def inside_regions(now: GapAnalysis) -> str:
    """Return in which economic region the members differ most, and in which least."""
    table = now.regional
    known = table.loc[table["cv"].notna()]
    what = f"{now.year} 年三大区域内部各{now.subject.level_word}之间的差距"
    if len(known) < 2:
        why = (
            "、".join(
                f"{name}有数值的{now.subject.level_word}{count} 个"
                for name, count in zip(table["short_name"], table["n"], strict=True)
            )
            if (table["n"] < 2).any()
            else "数值有负数或合计为零"
        )
        return f"{what}无法比较：{why}。"
    shown = known["cv"].round(INDEX_DECIMALS)
    if len(shown) > 1 and shown.max() == shown.min():
        return f"{what}相同（变异系数都是 {_index(shown.iloc[0])}）。"
    most, least = (
        "、".join(known.loc[shown == end, "short_name"]) + f"（变异系数 {_index(end)}）"
        for end in (shown.max(), shown.min())
    )
    return f"{what}，{most}最大，{least}最小。"


def remarks(found: GapComparison) -> str:
    """Return what a reader must know before using the figures; empty when nothing."""
    now, then = found.now, found.then
    said = list(now.remarks)
    first = now.year if then is None else min(then.year, now.year)
    last = now.year if then is None else max(then.year, now.year)
    said += [text for year, text in now.breaks if first <= year <= last]
    for one in (now, then):
        if one is None or not one.flags:
            continue
        notes = list(dict.fromkeys(text for _, text in one.flags))
        if len(one.flags) <= 2:
            said += [text for text in notes if text not in said]
        else:
            said.append(f"{one.year} 年有 {len(one.flags)} 个地区的范围或口径有变动")
    for one in (now, then):
        if one is not None and len(one.missing):
            why = _most_common(one.missing["reason"])
            said.append(f"{one.year} 年有 {len(one.missing)} 个{one.subject.level_word}没有数值（{why}）")
    return "；".join(said) + "。" if said else ""


def sigma(course: pd.DataFrame, subject: GapSubject) -> str:
    """Return how the spread went from the first to the last year of `geo.convergence.sigma_convergence`."""
    known = course.dropna(subset="cv")
    if len(known) < 2:
        why = next(iter(course["reason"].dropna()), "有数值的年份不足两个")
        return f"看不出差距的走向：{why}。"
    first, last = known.index[0], known.index[-1]
    one, other = float(known["cv"].iloc[0]), float(known["cv"].iloc[-1])
    word = change_word(other, one, INDEX_DECIMALS)
    head = (
        f"{first}–{last} 年，{int(known['n'].iloc[0])} 个{subject.level_word}之间的变异系数"
        f"由 {_index(one)} 到 {_index(other)}，"
    )
    verdict = {
        "缩小": "差距缩小（σ 趋同）",
        "扩大": "差距扩大（σ 趋异）",
        "持平": "首尾持平",
    }[word]
    shown = known["cv"].round(INDEX_DECIMALS)
    widest, narrowest = (_years(shown.index[shown == end].tolist()) for end in (shown.max(), shown.min()))
    course_words = "" if len(known) < 3 or shown.max() == shown.min() else f"；{widest}最大，{narrowest}最小"
    return f"{head}{verdict}{course_words}。"


def _years(years: Sequence[int]) -> str:
    return f"{'、'.join(str(year) for year in years)} 年"


def beta(found: BetaConvergence, subject: GapSubject, first: int, last: int) -> str:
    """Return whether the regions that started low have grown faster."""
    span = f"{first}–{last} 年"
    if found.state == "undefined":
        return f"{span}起点与增速的关系无法判断：{found.reason}。"
    fit = f"p {_p(found.p_value)}，R² {format_number(found.r_squared, 2)}，{found.n} 个{subject.level_word}"
    if found.state == "none":
        return f"{span}起点高低与增长快慢没有显著关系（{fit}），看不出趋同或趋异。"
    if found.state == "divergent":
        return f"{span}起点高的{subject.level_word}增长更快（{fit}），差距趋于扩大（β 趋异）。"
    if found.level_end:
        return f"{span}起点低的{subject.level_word}增长更快（{fit}），到 {last} 年各地相同（β 趋同）。"
    if math.isnan(found.speed):
        return f"{span}起点低的{subject.level_word}增长更快（{fit}），已经反超，算不出趋同速度。"
    return (
        f"{span}起点低的{subject.level_word}增长更快（{fit}），每年趋同 "
        f"{format_number(found.speed * 100, 1)}%，照此差距减半约需 "
        f"{format_number(found.half_life, 0)} 年（β 趋同）。"
    )


def moran_words(found: LocalMoran, subject: GapSubject, year: int, *, significant_p: float) -> str:
    """Return whether like regions lie together: significant is a p-value below ``significant_p``."""
    moran = found.moran
    what = f"{year} 年{short(subject.name)}"
    if moran.reason is not None:
        return f"{what}无法判断是否集聚：{moran.reason}。"
    figures = f"莫兰指数 {_index(moran.i)}，p {_p(moran.p_value)}，{moran.n} 个{subject.level_word}"
    if moran.p_value >= significant_p:
        return f"{what}看不出相邻地区相似或相异（{figures}）。"
    if moran.i > moran.expected:
        return f"{what}相近的{subject.level_word}显著地聚在一起（{figures}）。"
    return f"{what}相邻的{subject.level_word}显著地高低相间（{figures}）。"


def spot_words(found: LocalMoran, names: pd.Series) -> str:
    """Return the hot and cold spots by name, the surest first; ``names`` by the index of the values."""
    kinds = {
        HIGH_HIGH: "热点（高值集聚）",
        LOW_LOW: "冷点（低值集聚）",
        HIGH_LOW: "高于四周的",
        LOW_HIGH: "低于四周的",
    }
    if found.moran.reason is not None:
        return f"没有热点和冷点可说：{found.moran.reason}。"
    rate = format_number(found.false_discovery * 100, 0)
    told = []
    for kind, word in kinds.items():
        cluster = found.cluster(kind)
        if cluster:
            told.append(f"{word} {len(cluster)} 个：{listed(names.reindex(cluster), _MOST_NAMES)}")
    if not told:
        return f"没有通过检验的热点或冷点（假发现率 {rate}%）。"
    return f"{'；'.join(told)}（假发现率 {rate}%）。"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {format_number(value, 3)}"


def listed(names: pd.Series, most: int) -> str:
    """Return names in a row, all of them up to ``most``."""
    every = [str(name) for name in names]
    if len(every) <= most:
        return "、".join(every)
    return f"{'、'.join(every[:most])}等 {len(every)} 个"


def _most_common(reasons: pd.Series) -> str:
    """Return the reason, or what most of several say before their colon, with how many kinds there are."""
    distinct = list(reasons.unique())
    if len(distinct) == 1:
        return str(distinct[0])
    counts = reasons.map(lambda text: str(text).partition("：")[0]).value_counts()
    if counts.empty:
        return "原因不明"
    first = str(counts.index[0])
    return first if len(counts) == 1 else f"{first}，等 {len(counts)} 种原因"
