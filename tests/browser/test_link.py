"""How the page comes to life and stays so: lost parts, slow servers, hidden tabs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from rillet.assets import asset_folder
from tests.browser.rows import hide, now_row
from tests.browser.stub import Stub
from tests.waiting import until

READ = """async ({pieces}) => {
    const {readEvents} = await import("./js/sse.js");
    const encode = new TextEncoder();
    const body = new ReadableStream({
        pull(to) {
            if (pieces.length) to.enqueue(encode.encode(pieces.shift()));
            else to.close();
        },
    });
    const found = [];
    let heard = 0;
    for await (const event of readEvents(body, () => heard++)) found.push(event);
    return {found, heard};
}"""


def state(page: Page) -> Any:
    """Return the line that says how the page is connected, to expect something of it."""
    return expect(page.locator("#link-text"))


def test_stream_without_snapshot_is_not_live(page: Page, stub: Stub) -> None:
    """An open stream that has not brought the sensors is neither live nor empty, and is left."""
    stub.rows["a"] = now_row("a")
    stub.mute = 1
    page.clock.install()
    page.goto(stub.url)
    until(lambda: stub.clients)
    page.clock.fast_forward(30_000)
    state(page).to_have_text("Connecting")
    expect(page.locator("#notice")).to_be_hidden()
    page.clock.fast_forward(15_000)
    state(page).to_contain_text("Reconnecting in")
    page.clock.fast_forward(3000)
    state(page).to_have_text("Live")
    expect(page.locator(".card")).to_have_count(1)


def count_bytes(page: Page) -> Callable[[], int]:
    """Return a function that tells how many bytes of its stream the page has got."""
    streams: set[str] = set()
    got: list[int] = []

    def note(said: dict[str, Any]) -> None:
        if said["response"]["mimeType"] == "text/event-stream":
            streams.add(said["requestId"])

    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.responseReceived", note)
    session.on(
        "Network.dataReceived",
        lambda said: got.append(said["dataLength"]) if said["requestId"] in streams else None,
    )
    return lambda: sum(got)


def test_slow_snapshot_is_waited_for(page: Page, stub: Stub) -> None:
    """A snapshot that takes minutes is not given up as long as pieces of it come."""
    stub.rows = {f"s{i}": now_row(f"s{i}") for i in range(5)}
    stub.pieces = 5
    heard = count_bytes(page)
    page.clock.install()
    page.goto(stub.url)
    until(lambda: page.evaluate("1") and 0 < stub.sent <= heard())
    for _ in range(4):
        page.clock.fast_forward(30_000)
        before = stub.sent
        stub.drip()
        until(lambda b=before: page.evaluate("1") and b < stub.sent <= heard())
    state(page).to_have_text("Live")
    expect(page.locator("#tally")).to_have_text("5 sensors")
    assert stub.asked_ids == [None]


def test_redis_away_is_said_of_one_connection(page: Page, stub: Stub) -> None:
    """What a stream said of Redis ends with it: the next one is live unless it says the same."""
    page.goto(stub.url)
    state(page).to_have_text("Live")
    stub.send("status", {"redis": "away"})
    state(page).to_contain_text("Redis away")
    stub.stop()
    stub.start()
    state(page).to_have_text("Live")


def test_full_redis_is_said_of_one_connection(page: Page, stub: Stub) -> None:
    """A full Redis is warned of while the page is live, and until a stream says no more of it."""
    page.goto(stub.url)
    state(page).to_have_text("Live")
    stub.send("status", {"memory": "full"})
    warning = page.locator("#warning")
    expect(warning).to_contain_text("Redis is full")
    stub.send("status", {"redis": "away"})
    expect(warning).to_be_hidden()
    stub.send("status", {"redis": "ok"})
    expect(warning).to_be_visible()
    stub.stop()
    expect(warning).to_be_hidden()
    stub.start()
    state(page).to_have_text("Live")
    expect(warning).to_be_hidden()


def test_redis_away_from_the_start(page: Page, stub: Stub) -> None:
    """Without Redis the first page says so, and never that there are no sensors."""
    stub.mute = 1
    page.goto(stub.url)
    until(lambda: stub.clients)
    stub.send("status", {"redis": "away"})
    expect(page.locator("#notice")).to_contain_text("Redis does not answer")
    state(page).to_contain_text("Redis away")
    stub.send("status", {"redis": "ok"})
    stub.send("snapshot", [now_row("a")])
    state(page).to_have_text("Live")
    expect(page.locator(".card")).to_have_count(1)


@pytest.mark.parametrize("lost", ["card.js", "main.js", "format.js"])
def test_lost_module_is_fetched_again(page: Page, stub: Stub, lost: str) -> None:
    """A page of which one module was lost on the way loads itself anew and becomes live."""
    stub.rows["a"] = now_row("a")
    left = [1]

    def lose(route: Route) -> None:
        if left:
            left.pop()
            route.abort()
        else:
            route.continue_()

    page.route(f"**/js/{lost}", lose)
    page.goto(f"{stub.url}#/sensor/a")
    state(page).to_have_text("Live")
    assert page.url == f"{stub.url}#/sensor/a"


def test_page_that_stays_incomplete_says_so(page: Page, stub: Stub) -> None:
    """Where a part cannot be had the page says that, and does not stand at `Connecting`."""
    page.route("**/js/card.js", lambda route: route.abort())
    page.goto(stub.url)
    expect(page.locator(".slow")).to_be_visible()


def test_frame_names_every_module() -> None:
    """index.html asks for all modules at once, so that a slow link is crossed once, not thrice."""
    web = Path(asset_folder("web"))
    page = (web / "index.html").read_text()
    modules = {path.name for path in (web / "js").glob("*.js")} - {"main.js", "guard.js"}
    named = {name for name in modules if f'<link rel="modulepreload" href="js/{name}">' in page}
    assert named == modules
    assert page.count("modulepreload") == len(modules)


def test_hidden_page_lets_go_of_its_stream(page: Page, stub: Stub) -> None:
    """A page that nobody sees closes its stream after a while, and resumes when it is seen."""
    stub.rows["a"] = now_row("a")
    page.clock.install()
    page.goto(stub.url)
    state(page).to_have_text("Live")
    stub.send("stats", [now_row("a", count=3)])
    expect(page.locator(".card [data-field=count]")).to_have_text("3")
    hide(page)
    page.clock.fast_forward(15_000)
    assert len(stub.clients) == 1
    page.clock.fast_forward(6000)
    until(lambda: page.evaluate("document.body.dataset.link") == "resting" and not stub.clients)
    hide(page, hidden=False)
    state(page).to_have_text("Live")
    assert stub.asked_ids == [None, "1-0"]


@pytest.mark.slow
def test_seventh_tab_is_served(browser: Browser, stub: Stub) -> None:
    """Six tabs use up what a browser opens to one server; one that is hidden makes room."""
    stub.rows["a"] = now_row("a")
    context = browser.new_context()
    try:
        tabs = [_open(context, stub) for _ in range(6)]
        seventh = context.new_page()
        # It waits for a connection to ask for the page itself, so nothing may wait for it here.
        seventh.evaluate("url => { location.href = url; }", stub.url)
        hide(tabs[0])
        tabs[0].clock.fast_forward(25_000)
        state(seventh).to_have_text("Live")
    finally:
        context.close()


def _open(context: BrowserContext, stub: Stub) -> Page:
    tab = context.new_page()
    tab.clock.install()
    tab.goto(stub.url)
    state(tab).to_have_text("Live")
    return tab


def test_two_logins_open_one_stream(page: Page, stub: Stub) -> None:
    """However often the token is sent, the page holds one stream."""
    stub.token = "sesame"
    stub.rows["a"] = now_row("a")
    page.goto(stub.url)
    page.get_by_label("Read token").fill("sesame")
    page.evaluate("for (let i = 0; i < 3; i++) document.querySelector('.login').requestSubmit()")
    expect(page.locator(".card")).to_have_count(1)
    stub.send("stats", [now_row("a", count=7)])
    expect(page.locator(".card [data-field=count]")).to_have_text("7")
    assert len(stub.clients) == 1


def test_events_are_read_by_the_standard(page: Page, stub: Stub) -> None:
    """Events come whole wherever the pieces end: within a line, a CR LF, or a character."""
    page.goto(stub.url)
    text = "retry: 5\r\n\r\n:hi\rid: 7\nevent: x\r\ndata: a\r\ndata:  b\r\n\r\n"
    text += "data: ü\n\nid: 8\ndata: cut"
    wanted = [
        {"event": "retry", "data": "5"},
        None,
        {"event": "x", "data": "a\n b", "id": "7"},
        {"event": "message", "data": "ü", "id": "7"},
    ]
    for size in (1, 2, 3, 7, 1000):
        pieces = [text[i : i + size] for i in range(0, len(text), size)]
        got = page.evaluate(READ, {"pieces": pieces})
        assert got["found"] == wanted
        assert got["heard"] == len(pieces)
