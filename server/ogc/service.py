"""pygeoapi, saying in Chinese what it refuses, and naming no fault of ours."""

from __future__ import annotations

import re
import sys
from typing import Any

from pygeoapi.api import API
from pygeoapi.util import render_j2_template, to_json

from server.ogc.refusals import code_of, fault_of_ours

_WORDS = {
    "Collection not found": "没有这个图层；图层的编号见 /ogc/collections",
    "queryables not available for this collection": "这个图层没有可查询的字段",
    "unknown properties specified": "properties 中有不存在的字段；字段见该图层的 queryables",
    "bad sort property": "sortby 中有不存在的字段；字段见该图层的 queryables",
    "Bad CQL text": "filter 写得不对",
    "Bad CQL JSON": "filter 写得不对",
    "Invalid filter language": "filter-lang 只有 cql-text",
    "Invalid format requested": "没有这种格式",
    "datetime parameter out of range": "datetime 不在这个图层的年份之内；年份见该图层的 extent",
    "identifier not found": "没有这个编号的要素",
}
_BY_STATUS = {404: "没有这个地址或要素；从 /ogc/ 开始"}
_OTHER = "参数写得不对；各参数的写法见 /ogc/openapi"
_CHINESE = re.compile(r"[一-鿿]")


class Service(API):  # type: ignore[misc]  # the library has no types
    """The API of one version of the data, reached at one address."""

    def get_exception(
        self, status: int, headers: dict[str, str], format_: str | None, code: str, description: str
    ) -> tuple[dict[str, str], int, Any]:
        """Return a refusal in OGC's structure, as a page or as JSON; a fault of ours is 503, numbered."""
        if status >= 500:
            status, code = 503, code_of(503)
            description = fault_of_ours(sys.exc_info()[1] or RuntimeError(description))
        elif not _CHINESE.search(description):
            description = _WORDS.get(description, _BY_STATUS.get(status, _OTHER))
        told = {"code": code, "type": code, "description": description}
        headers["Content-Language"] = "zh"
        if format_ != "html":
            headers["Content-Type"] = "application/json"
            return headers, status, to_json(told, self.pretty_print)
        headers["Content-Type"] = "text/html"
        templates = self.config["server"]["templates"]
        page = render_j2_template(self.tpl_config, templates, "exception.html", told, self.default_locale)
        return headers, status, page
