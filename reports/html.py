"""The HTML renderer: one file with everything in it, nothing to fetch, made to be printed too."""

from __future__ import annotations

import base64
from html import escape

from reports.document import (
    ACCENT,
    CONTENTS,
    HEAD,
    INK,
    LINE,
    MUTED,
    SEAL,
    Bullets,
    Figure,
    Heading,
    Paragraph,
    Report,
    Table,
)

_STYLE = f"""
body {{ font-family: "Sutu Sans", "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; color: #{INK};
  max-width: 46rem; margin: 2rem auto; padding: 0 1rem; line-height: 1.65; font-size: 15px; }}
h1 {{ font-size: 1.7rem; margin: 0; }} h2 {{ font-size: 1.25rem; color: #{ACCENT}; margin: 1.6rem 0 .4rem; }}
h3 {{ font-size: 1.05rem; margin: 1rem 0 .3rem; }} p {{ margin: .4rem 0; }}
.note, .source, .sub {{ color: #{MUTED}; font-size: .85rem; }} .notice {{ color: #{SEAL}; font-size: .9rem; }}
table {{ border-collapse: collapse; width: 100%; font-size: .88rem; font-variant-numeric: tabular-nums; }}
th, td {{ border-bottom: 1px solid #{LINE}; padding: .25rem .4rem; text-align: left; vertical-align: top; }}
th {{ background: #{HEAD}; }} td.n, th.n {{ text-align: right; }} figure {{ margin: 1rem 0; }}
img {{ max-width: 100%; display: block; margin: 0 auto; }}
caption, figcaption {{ font-weight: 600; font-size: .9rem; text-align: left; margin: .4rem 0; }}
.wide {{ overflow-x: auto; }} nav ol {{ padding-left: 1.2rem; }}
a {{ color: #{ACCENT}; text-decoration: none; }}
footer {{ border-top: 1px solid #{LINE}; margin-top: 2rem; padding-top: .6rem; }}
@media print {{ body {{ margin: 0; max-width: none; font-size: 10.5pt; }}
  figure, tr {{ break-inside: avoid; }} }}
"""


def html_bytes(report: Report) -> bytes:
    """Return the report as one HTML file (UTF-8): pictures inside, no script, no address of another file."""
    numbers = {id(heading): number for number, heading in enumerate(report.headings, start=1)}
    parts = [
        "<!DOCTYPE html>",
        '<html lang="zh-CN"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(report.title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(report.title)}</h1>",
        f'<p class="sub">{escape(report.subtitle)}　{escape(report.date)}</p>',
        f'<p class="notice">{escape(report.provenance.permission)}</p>',
        f"<nav><strong>{CONTENTS}</strong><ol>",
        *(
            f'<li><a href="#s{number}">{escape(heading.text)}</a></li>'
            for number, heading in enumerate(report.headings, start=1)
            if heading.level == 1
        ),
        "</ol></nav>",
        *(_block(block, numbers) for block in report.blocks),
        f'<footer class="note">{escape(report.title)}　{escape(report.provenance.permission)}</footer>',
        "</body></html>",
    ]
    return "\n".join(parts).encode("utf-8")


def _block(block: object, numbers: dict[int, int]) -> str:
    if isinstance(block, Heading):
        tag = f"h{block.level + 1}"
        return f'<{tag} id="s{numbers[id(block)]}">{escape(block.text)}</{tag}>'
    if isinstance(block, Paragraph):
        return f'<p class="{block.kind}">{escape(block.text)}</p>'
    if isinstance(block, Bullets):
        return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in block.items) + "</ul>"
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Figure):
        data = base64.b64encode(block.png).decode()
        return (
            f'<figure><img alt="{escape(block.alt)}" src="data:image/png;base64,{data}" '
            f'style="width:{block.width_cm:g}cm"><figcaption>{escape(block.title)}</figcaption>'
            f'<p class="source">来源：{escape(block.source)}</p></figure>'
        )
    raise TypeError(type(block).__name__)


def _table(block: Table) -> str:
    def line(texts: tuple[str, ...], tag: str) -> str:
        cells = (
            f"<{tag}{' class=n' if number in block.numeric else ''}>{escape(text)}</{tag}>"
            for number, text in enumerate(texts)
        )
        return f"<tr>{''.join(cells)}</tr>"

    body = "".join(line(row, "td") for row in block.rows)
    return (
        f'<div class="wide"><table><caption>{escape(block.title)}</caption><thead>{line(block.headers, "th")}'
        f'</thead><tbody>{body}</tbody></table></div><p class="source">来源：{escape(block.source)}</p>'
    )
