"""`GET` and `PUT /api/rules`: the alert rules in force; reads and writes `rules`."""

import time
from typing import Any

import orjson
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.body import read_body
from api.etag import cached, has, tag_of
from api.problems import Problem, ProblemError
from api.store import Store
from processor.rules import Rule, RuleSet, newest, shown
from processor.rules_text import TEXT_MAX_BYTES, RulesError, parse_json, parse_toml

router = APIRouter(tags=["alerts"], responses={n: {"model": Problem} for n in (401, 422, 503)})

_EXAMPLE = '[[rule]]\nname = "too-hot"\ntype = "limit"\nkind = "temperature"\nhigh = 30.0\n'


class Rules(BaseModel):
    """The alert rules in force."""

    version: int = Field(description="When they were put in force, ms since 1970; 0: never.")
    rules: list[Rule]


class RulesFault(BaseModel):
    """What is wrong with one rule."""

    line: int | None = Field(description="From 1; null where it is not known.", examples=[6])
    where: str = Field(description="Rule and key.", examples=["too-hot.hihg"])
    reason: str = Field(examples=["a limit rule has no such key; did you mean high?"])


class RulesProblem(Problem):
    """Why rules were refused; those before stay in force."""

    errors: list[RulesFault]


@router.get("/api/rules", response_model=Rules)
async def get_rules(request: Request) -> Response:
    """Return the rules in force."""
    return cached(request, _body(await _read(request.app.state.shared.store)))


@router.put(
    "/api/rules",
    response_model=Rules,
    responses={
        422: {"model": RulesProblem},
        **{n: {"model": Problem} for n in (403, 408, 412, 413, 507)},
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/toml": {"schema": {"type": "string"}, "example": _EXAMPLE},
                "application/json": {"schema": {"$ref": "#/components/schemas/Rules"}},
            },
        }
    },
)
async def put_rules(request: Request) -> Response:
    """Put these rules in force, in place of all before; one that is bad keeps all of them out.

    The body is TOML as in the rules file, or JSON as GET answers it (`version` is not looked at).
    With `If-Match` (the ETag of a GET) rules that someone changed since are not overwritten.
    """
    store = request.app.state.shared.store
    text = await _text(request)
    if not text.strip():
        raise ProblemError(
            422, "The body is empty; to take all rules away send `rule = []`.", errors=[]
        )
    parse = parse_json if "json" in request.headers.get("content-type", "") else parse_toml
    try:
        rules = await run_in_threadpool(parse, text)
    except RulesError as error:
        faults = [
            {"line": one.line, "where": one.where, "reason": one.reason} for one in error.faults
        ]
        raise ProblemError(422, f"{error}.", errors=faults) from None
    before = await _read(store)
    wanted = request.headers.get("if-match", "")
    if wanted not in {"", "*"} and not has(wanted, tag_of(_body(before))):
        raise ProblemError(412, "The rules were changed since; get them again.")
    after = before.replaced(rules, time.time_ns() // 1_000_000)
    for keys in store.keys:
        await store.client.set(keys.rules, after.compiled())
    return cached(request, _body(after))


async def _read(store: Store) -> RuleSet:
    found: list[Any] = [await store.client.get(keys.rules) for keys in store.keys]
    return newest([RuleSet.read(one) for one in found])


async def _text(request: Request) -> str:
    said = f"The rules are longer than {TEXT_MAX_BYTES} bytes."
    body = await read_body(request, TEXT_MAX_BYTES, said)
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise ProblemError(422, f"The body is not UTF-8: {error.reason}.", errors=[]) from None


def _body(found: RuleSet) -> bytes:
    rules = [shown(rule) for rule in found.rules]
    return orjson.dumps({"version": found.version, "rules": rules})
