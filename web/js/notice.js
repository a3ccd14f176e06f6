// What stands in place of the list: no sensors yet, no match, server away, token needed.
import { byId, copyButton, el } from "./dom.js";

const FIRST = "redis-cli XADD readings '*' sensor soil-1 value 0.42";

let shown;

/** `what`: undefined (hide), "empty", "none", "away", "redis" or "locked". `act` is called by its button. */
export function notice(what, act) {
  if (what === shown) return;
  shown = what;
  const box = byId("notice");
  box.hidden = !what;
  document.body.dataset.notice = what ?? "";
  box.replaceChildren(...(what ? PAGES[what](act) : []));
  if (what === "locked") box.querySelector("input").focus();
}

const PAGES = {
  empty: () => [
    el("h2", {}, "No sensors yet"),
    el("p", {}, "This page fills as soon as the first reading is folded. Send one from any Redis client:"),
    el("p", { class: "line" }, el("code", {}, FIRST), copyButton(() => FIRST)),
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
