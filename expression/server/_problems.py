"""Errors of the server as problem details, with the three parts of every error of the package.

`security.py` and `app.py` answer with them.

Source: RFC 9457

Notebook: 11_records
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from fastapi.responses import JSONResponse

from ..sanitize import clean


def problem(
    status: int, happened: str, expected: str, remedy: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Returns the answer for an error.

    Args:
        status: The status of HTTP.
        happened: What happened.
        expected: What would have been right.
        remedy: What to do.
        headers: Further headers.
    """
    parts = {"happened": clean(happened), "expected": clean(expected), "remedy": clean(remedy)}
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": " ".join(parts.values()),
        **parts,
    }
    return JSONResponse(content, status, headers, media_type="application/problem+json")
