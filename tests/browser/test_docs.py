"""The API's own page, /docs, in a real browser; the `page` fixture refuses other machines."""

from playwright.sync_api import Page, expect

from tests.browser.stack import Stack
from tests.waiting import until


def test_docs_need_no_other_machine_and_no_inline_script(page: Page, served: Stack) -> None:
    """Under the strict policy Swagger UI shows every route, and asks one when told to."""
    until(lambda: served.is_ready(page))
    answer = page.goto(f"{served.url}docs")
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    shown = page.locator(".opblock-summary-path")
    expect(shown.filter(has_text="/api/stream")).to_be_visible()
    document = page.request.get(f"{served.url}openapi.json").json()
    expect(shown).to_have_count(sum(len(paths) for paths in document["paths"].values()))
    page.locator(".opblock-summary-path", has_text="/healthz").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table .response-col_status").last).to_contain_text("200")
