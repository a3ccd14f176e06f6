"""Who may: the read token, the write token, and the cookie that a page gets for the first."""

import hashlib
import hmac
import re
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, SecretStr, ValidationError
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.body import read_body
from api.origin import Origins, is_loopback
from api.problems import Problem, problem
from rillet.errors import UserError
from rillet.settings import Settings

COOKIE = "rillet_session"
READ_PATHS = ("/api/", "/metrics", "/docs", "/openapi.json")
OPEN_PATHS = ("/api/login",)
TOKEN = re.compile(r"[!-~]*")
LOGIN_MAX_BYTES = 8192
WRITE_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})

router = APIRouter(tags=["access"])


class Login(BaseModel):
    """What the page sends once."""

    token: str = Field(description="The read token.", max_length=4096)


@router.post(
    "/api/login",
    status_code=204,
    responses={n: {"model": Problem} for n in (401, 408, 413, 422)},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": Login.model_json_schema()}},
        }
    },
)
async def login(request: Request) -> Response:
    """Exchange the read token for a cookie, as a browser's stream cannot send headers.

    Anyone may ask, so its body is not FastAPI's to read: that would hold and parse any length.
    """
    said = f"A login is at most {LOGIN_MAX_BYTES} bytes."
    body = await read_body(request, LOGIN_MAX_BYTES, said)
    try:
        given = Login.model_validate_json(body)
    except ValidationError as error:
        faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]
        raise RequestValidationError(faults) from None
    tokens: Tokens = request.app.state.tokens
    if not tokens.fits(given.token, tokens.read):
        return problem(401, "This is not the read token.")
    answer = Response(status_code=204, headers={"Cache-Control": "no-store"})
    if tokens.read:
        answer.set_cookie(
            COOKIE,
            tokens.session,
            max_age=30 * 86400,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
            path=request.scope.get("root_path") or "/",
        )
    return answer


class Tokens:
    """The two tokens, empty where none is asked for."""

    def __init__(self, settings: Settings) -> None:
        self.read = _token("READ", settings.read_token, settings.read_token_file)
        self.write = _token("WRITE", settings.write_token, settings.write_token_file)
        # Not the token itself, and the same on every replica and after a restart; a new token
        # ends all sessions.
        self.session = hmac.new(self.read.encode(), b"rillet session", hashlib.sha256).hexdigest()

    def fits(self, given: str, token: str) -> bool:
        """Tell in constant time whether this is the token; any is where none is asked for."""
        return not token or hmac.compare_digest(given.encode(), token.encode())

    def asked(self, scope: Scope) -> str | None:
        """Return the token that a path and method ask for, empty if it is not set; or None."""
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if path in OPEN_PATHS or scope["method"] == "OPTIONS":
            return None
        if scope["method"] in WRITE_METHODS:
            return self.write
        return self.read if path.startswith(READ_PATHS) else None

    def may(self, scope: Scope) -> bool:
        """Tell whether a request shows what its path and method ask for."""
        if not self.asked(scope):
            return True
        headers = Headers(scope=scope)
        kind, _, given = headers.get("authorization", "").partition(" ")
        bearer = given.strip() if kind.lower() == "bearer" else ""
        if scope["method"] in WRITE_METHODS:
            return self.fits(bearer, self.write)
        cookie = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        return self.fits(bearer, self.read) or self.fits(cookie, self.session)


class Gate:
    """ASGI middleware: answers 401 or 403 to who may not; touches nothing of who may."""

    def __init__(self, app: ASGIApp, tokens: Tokens, origins: Origins) -> None:
        self.app = app
        self.tokens = tokens
        self.origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request that shows its token, or that needs none."""
        refused = self._refusal(scope) if scope["type"] == "http" else None
        await (refused or self.app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        writes = scope["method"] in WRITE_METHODS
        if not self.tokens.may(scope):
            which = "write" if writes else "read"
            return problem(401, f"Send the {which} token as `Authorization: Bearer TOKEN`.")
        # A page that shows the token was given it; where none is asked for, any page might try.
        if self.tokens.asked(scope) == "":
            return self.origins.refusal(scope, writes=writes)
        return None


def check_exposure(settings: Settings, host: str) -> None:
    """Raise UserError where the API would be open to other machines without tokens."""
    tokens = Tokens(settings)
    if (tokens.read and tokens.write) or settings.allow_anonymous or is_loopback(host):
        return
    raise UserError(
        f"Listening on {host} lets other machines in: set RILLET_READ_TOKEN and "
        "RILLET_WRITE_TOKEN (or ..._TOKEN_FILE), or RILLET_ALLOW_ANONYMOUS=true."
    )


def _token(name: str, given: SecretStr | None, file: Path | None) -> str:
    """Return a token, from its file where one is set; a header must be able to carry it."""
    source = f"RILLET_{name}_TOKEN"
    token = given.get_secret_value() if given else ""
    if file is not None:
        source += "_FILE"
        try:
            token = file.read_text(errors="replace").strip()
        except OSError as error:
            raise UserError(f"{source} cannot be read: {error}.") from None
        if not token:
            raise UserError(f"{source} {file} is empty: write a token into it.")
    if not TOKEN.fullmatch(token):
        raise UserError(f"{source} is not a line of printable ASCII without spaces: choose such.")
    return token
