// The newest rejects and alerts of one sensor, as lists.
import { changeRow } from "./alert-words.js";
import { el } from "./dom.js";
import { dayTime } from "./format.js";
import { idTime } from "./store.js";

/** A section with a heading and either the list or the line that says there is nothing. */
export function eventList(title, none, rows) {
  const body = rows.length ? el("ul", { class: "changes", tabindex: 0, "aria-label": title }, ...rows) : el("p", { class: "soft" }, none);
  return el("section", {}, el("h2", {}, title), body);
}

/** A rejected reading: why, and what it said. */
export function rejectRow(reject) {
  const fields = Object.entries(reject.fields ?? {}).map(([name, value]) => `${name} ${value}`);
  const what = el("div", { class: "what" }, reject.reason ?? reject.code, el("code", {}, fields.join(" ")));
  return el("li", {}, what, el("time", {}, dayTime(idTime(reject.id))));
}

/** A change of an alert of this very sensor. */
export const alertRow = (alert) => changeRow(alert, false);
