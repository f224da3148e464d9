"""What is said when a question is not answered: the structure of OGC's exceptions, in Chinese."""

from __future__ import annotations

import logging
import secrets

from starlette.responses import JSONResponse

from geo.errors import SutuError

_log = logging.getLogger(__name__)

_CODES = {
    404: "NotFound",
    405: "MethodNotAllowed",
    429: "TooManyRequests",
    503: "NoApplicableCode",
}
_SHOWN = 40


class RefusedError(SutuError, ValueError):
    """A question that cannot be answered as it was put; ``status`` is that of the answer (4xx)."""

    def __init__(self, text: str, status: int = 400) -> None:
        """Say why, in Chinese."""
        super().__init__(text)
        self.status = status


def code_of(status: int) -> str:
    """Return OGC's code for a status."""
    return _CODES.get(status, "InvalidParameterValue")


def refusal(status: int, text: str, **headers: str) -> JSONResponse:
    """Return the answer that says why there is none; header names with _ for -."""
    code = code_of(status)
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    content = {"code": code, "type": code, "description": text}
    return JSONResponse(content, status_code=status, headers=told)


def fault_of_ours(fault: BaseException) -> str:
    """Log a fault of ours whole, with a number, and return what the asker is told: the number."""
    number = secrets.token_hex(4)
    _log.error("图层服务出错 %s", number, exc_info=fault)
    return f"服务器没能回答，问题已记入日志，请把编号 {number} 告诉系统管理员"


def shown(text: str) -> str:
    """Return the beginning of what was asked, fit to be repeated on one line."""
    kept = "".join(char if char.isprintable() else "�" for char in text[:_SHOWN])
    return f"{kept}…" if len(text) > _SHOWN else kept
