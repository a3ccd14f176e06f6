// What stands in place of the list: no sensors yet, no match, server away, token needed; and the
// line above every view where new readings are refused.
import { get } from "./api.js";
import { byId, copyButton, el, setText } from "./dom.js";

let shown;

/** `what`: undefined (hide), "empty", "none", "away", "redis" or "locked". `act` is called by its button. */
export function notice(what, act) {
  if (what === shown) return;
  shown = what;
  const box = byId("notice");
  const held = box.contains(document.activeElement);
  box.hidden = !what;
  document.body.dataset.notice = what ?? "";
  box.replaceChildren(...(what ? PAGES[what](act) : []));
  if (what === "locked") box.querySelector("input").focus();
  else if (held) byId("main").focus({ preventScroll: true });
}

/** Say that Redis is full, or no longer. */
export function warn(full) {
  setText(byId("warning"), full ? "Redis is full: new readings are refused. Raise its maxmemory, or forget sensors." : "");
}

const PAGES = {
  empty: () => [
    el("h2", {}, "No sensors yet"),
    el("p", {}, "This page fills as soon as the first reading is folded. Send one from any Redis client:"),
    firstLine(),
    el("p", { class: "soft" }, "or start the simulator: ", el("code", {}, "rillet simulate")),
  ],
  none: (clear) => [
    el("h2", {}, "No sensor fits"),
    el("p", {}, "Nothing matches the search and the filters."),
    el("button", { type: "button", onclick: clear }, "Show all sensors"),
  ],
  away: (retry) => [
    el("h2", {}, "The server does not answer"),
    el("p", {}, "This page tries again by itself and fills when the server is back."),
    el("button", { type: "button", onclick: retry }, "Try now"),
  ],
  redis: () => [
    el("h2", {}, "Redis does not answer"),
    el("p", {}, "The server is here, but its Redis is not. This page fills when Redis is back."),
  ],
  locked: (login) => [loginForm(login)],
};

/** The line that leads to this very server: only it knows its address and its streams. */
function firstLine() {
  const line = el("p", { class: "line", hidden: true });
  get("inspect/first").then((known) => {
    if (!known) return;
    line.replaceChildren(el("code", {}, known.command), copyButton(() => known.command));
    line.hidden = false;
  });
  return line;
}

function loginForm(login) {
  const token = el("input", { type: "password", name: "token", id: "token", required: true, autocomplete: "current-password" });
  const said = el("p", { class: "wrong", role: "alert" });
  const submit = async (event) => {
    event.preventDefault();
    said.textContent = await login(token.value);
    token.select();
  };
  return el(
    "form",
    { class: "login", onsubmit: submit },
    el("h2", {}, "Token needed"),
    el("p", {}, "This server shows its figures only to those who have its read token."),
    el("label", { for: "token" }, "Read token"),
    el("p", { class: "line" }, token, el("button", { type: "submit" }, "Log in")),
    said,
  );
}
