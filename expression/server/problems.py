"""Problems: every error of the server as problem details, which programs can read, and never a traceback.

`app.py` calls `use_problem_details`, `security.py` answers with `problem`, and `rest.py` raises `Problem` and
describes it.

Source: https://www.rfc-editor.org/rfc/rfc9457

Notebook: 16_records
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from ..errors import ExpressionError
from ..sanitize import clean

logger = logging.getLogger("expression")

MEDIA_TYPE = "application/problem+json"

EXPECTED = "Expected a request as /openapi.json describes it."

MOST_ERRORS = 20
"""Most values that one answer complains about."""


class Invalid(BaseModel):
    """One value of a request that cannot be used."""

    where: str = Field(description="Where the value is, such as query limit.")
    detail: str = Field(description="What is wrong with it.")


class ProblemDetails(BaseModel):
    """Why a request failed."""

    type: str = Field("about:blank", description="Always about:blank: the status says what kind it is.")
    title: str = Field(description="The name of the status.")
    status: int = Field(description="The status of the answer.")
    detail: str = Field(description="The next three members joined together.")
    happened: str = Field(description="What happened.")
    expected: str = Field(description="What was expected.")
    remedy: str = Field(description="What to do.")
    errors: list[Invalid] = Field([], description="The values that cannot be used.")


class Problem(HTTPException):
    """An error in three sentences, as in `ExpressionError`; `status` is that of the answer."""

    def __init__(self, status: int, happened: str, expected: str, remedy: str):
        super().__init__(status, f"{happened} {expected} {remedy}")
        self.parts = happened, expected, remedy


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Returns how OpenAPI describes the answers with these statuses."""
    schema = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
    invalid = schema.pop("$defs")["Invalid"]
    schema["properties"]["errors"]["items"] = invalid
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in statuses
    }


def use_problem_details(app: FastAPI, database: bool = False) -> None:
    """Makes an application answer every error with problem details, also unknown paths and methods.

    Args:
        app: The application.
        database: Whether it uses a database, so that SQLAlchemy is installed.
    """
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    if database:
        from sqlalchemy.exc import DBAPIError
        from sqlalchemy.exc import TimeoutError as PoolTimeoutError

        for kind in (DBAPIError, PoolTimeoutError, ExpressionError):
            app.add_exception_handler(kind, _database)
    app.add_exception_handler(Exception, _unexpected)


def problem(
    status: int,
    happened: str,
    expected: str,
    remedy: str,
    errors: Sequence[Invalid] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Returns the answer for an error in three parts, with the values that cannot be used, if any."""
    parts = {"happened": clean(happened), "expected": clean(expected), "remedy": clean(remedy)}
    found = ProblemDetails(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=" ".join(parts.values()),
        **parts,
        errors=list(errors),
    )
    content = found.model_dump(exclude=None if errors else {"errors"})
    return JSONResponse(content, status, headers=headers, media_type=MEDIA_TYPE)


async def _http(_request: Request, error: HTTPException) -> JSONResponse:
    if isinstance(error, Problem):
        return problem(error.status_code, *error.parts)
    allowed = (error.headers or {}).get("Allow", "another one")
    known = {
        404: ("There is nothing at this address.", EXPECTED, "Check the address."),
        405: ("This address does not accept this method.", f"Expected {allowed}.", "Use that method."),
    }
    other = (f"{str(error.detail).rstrip('.')}.", EXPECTED, "Correct the request.")
    return problem(error.status_code, *known.get(error.status_code, other), headers=error.headers)


async def _invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
    found = [
        Invalid(where=" ".join(map(str, each["loc"]))[:200], detail=each["msg"][:200])
        for each in error.errors()[:MOST_ERRORS]
    ]
    first = found[0]
    return problem(
        422,
        f"The request has a value that cannot be used ({first.where}: {first.detail.rstrip('.')}).",
        EXPECTED,
        "Correct the values that are listed in errors.",
        found,
    )


async def _database(_request: Request, error: Exception) -> JSONResponse:
    kind = type(getattr(error, "orig", None) or error).__name__
    told = str(error) if isinstance(error, ExpressionError) else kind
    logger.warning("The server cannot use the database (%s).", told)
    return problem(
        503,
        "The database cannot be reached at the moment.",
        "Expected it to answer.",
        "Try again later.",
        headers={"Retry-After": "10"},
    )


async def _unexpected(_request: Request, error: Exception) -> JSONResponse:
    logger.error("The server failed: %s: %s.", type(error).__name__, error)
    return problem(500, "The server failed.", "Expected an answer.", "See its log for details.")
