"""`GET /docs`: Swagger UI from the package fastapi-offline; no other machine, no inline script."""

from pathlib import Path
from typing import Any

import fastapi_offline
from fastapi import APIRouter, FastAPI
from starlette.responses import HTMLResponse, Response

from api.access import OPEN_PATHS, READ_PATHS, WRITE_METHODS
from api.page import files

ASSETS = Path(fastapi_offline.__file__).with_name("static")

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Rillet's API</title>
<link rel="icon" href="icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="docs/assets/swagger-ui.css">
<main id="docs"></main>
<script src="docs/assets/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</html>
"""

# Addresses are relative, so that it works wherever the API is mounted. The validator that Swagger
# UI asks by default is another machine.
START = """window.ui = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  validatorUrl: null,
});
"""

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def docs() -> Response:
    """Answer with the page."""
    return HTMLResponse(PAGE, headers={"Cache-Control": "no-cache"})


@router.get("/docs/start.js")
async def start() -> Response:
    """Answer with the script that starts it."""
    return Response(START, media_type="text/javascript", headers={"Cache-Control": "no-cache"})


def add_docs(app: FastAPI) -> None:
    """Serve the page, and say in the OpenAPI document which token a route wants."""
    app.include_router(router)
    app.mount("/docs/assets", files(ASSETS), name="docs-assets")
    document = app.openapi()  # FastAPI keeps and serves this very one
    document["components"]["securitySchemes"] = {
        "read": {"type": "http", "scheme": "bearer", "description": "The read token."},
        "write": {"type": "http", "scheme": "bearer", "description": "The write token."},
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            operation["security"] = _wanted(path, method.upper())
            if operation["security"]:
                operation["responses"].setdefault("401", _unauthorized())
            for status, answer in operation["responses"].items():
                if status >= "400":
                    _name_problem(answer)
    for unused in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(unused, None)


def _unauthorized() -> dict[str, Any]:
    """Describe what the gate answers, before any route is asked."""
    model = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {"description": "Unauthorized", "content": {"application/json": model}}


def _name_problem(answer: dict[str, Any]) -> None:
    """Describe an error as `add_handlers` sends it; FastAPI describes its own."""
    model = answer["content"].pop("application/json")
    if model["schema"]["$ref"].endswith("/HTTPValidationError"):
        model = {"schema": {"$ref": "#/components/schemas/Problem"}}
    answer["content"]["application/problem+json"] = model


def _wanted(path: str, method: str) -> list[dict[str, Any]]:
    """Return what `Tokens.may` asks for, in OpenAPI's form; `{}` as tokens may be off."""
    if path in OPEN_PATHS or (method not in WRITE_METHODS and not path.startswith(READ_PATHS)):
        return []
    return [{"write" if method in WRITE_METHODS else "read": []}, {}]
