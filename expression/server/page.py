"""The files of the live page, and the form for the key.

`app.py` includes them. They are plain HTML, CSS and JavaScript in this folder and load nothing
from elsewhere.

Notebook: 16_records
"""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

FOLDER = Path(__file__).parent
FILES = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}
"""What the page needs besides itself, with the types."""


def login(status: int = 200, wrong: bool = False) -> Response:
    """Returns the form for the key.

    Args:
        status: The status of HTTP.
        wrong: Whether a wrong key was given.
    """
    text = _read("login.html")
    told = '<p class="wrong" role="alert">That key is wrong. Check it, and try again.</p>' if wrong else ""
    return HTMLResponse(text.replace("<!-- told -->", told), status)


def router(live: bool) -> APIRouter:
    """Returns the routes of the page; without a run, one that says so."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def page() -> Response:
        """The page."""
        return HTMLResponse(_read("page.html" if live else "idle.html"))

    for name, kind in FILES.items():
        routes.add_api_route(f"/{name}", _file(name, kind), methods=["GET"])
    return routes


def _file(name: str, kind: str):
    """Returns the function that answers with a file."""

    async def file() -> Response:
        return Response(_read(name), media_type=kind)

    return file


def _read(name: str) -> str:
    """Returns a file of this folder."""
    return (FOLDER / name).read_text("utf-8")
