"""The page that describes the REST interface and tries it out: Swagger UI, from this machine.

FastAPI's own loads from elsewhere; the package fastapi-offline has the files. `app.py` includes it.

Source: https://swagger.io/docs/open-source-tools/swagger-ui/usage/installation/

Notebook: 16_records
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse, Response

FILES = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
"""The files of Swagger UI, with their types."""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Expression: REST interface</title>
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""

START = """SwaggerUIBundle({url: "/openapi.json", dom_id: "#ui", validatorUrl: null, deepLinking: true});
"""

POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; script-src 'self'; "
    "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What the page may load: Swagger UI writes styles and small pictures into the page."""


def router() -> APIRouter:
    """Returns the routes of the page; none if fastapi-offline is not installed."""
    routes = APIRouter(include_in_schema=False)
    found = importlib.util.find_spec("fastapi_offline")
    if found is None:
        return routes
    folder = Path(found.origin).parent / "static"

    @routes.get("/docs")
    async def page() -> Response:
        return HTMLResponse(PAGE, headers={"Content-Security-Policy": POLICY})

    @routes.get("/docs/start.js")
    async def start() -> Response:
        return Response(START, media_type="text/javascript")

    for name, kind in FILES.items():
        routes.add_api_route(f"/docs/{name}", _file(folder / name, kind), methods=["GET"])
    return routes


def _file(path: Path, kind: str):
    """Returns the function that answers with a file."""

    async def file() -> Response:
        return FileResponse(path, media_type=kind)

    return file
