// The newest rejects and alerts of one sensor, as lists.
import { el } from "./dom.js";
import { dateTime } from "./format.js";
import { idTime } from "./store.js";

/** A section with a heading and either the list or the line that says there is nothing. */
export function eventList(title, none, items, words) {
  const rows = (items ?? []).map((item) =>
    el("li", {}, el("time", {}, dateTime(idTime(item.id))), el("span", {}, ...words(item))),
  );
  const body = rows.length ? el("ul", { class: "events" }, ...rows) : el("p", { class: "soft" }, none);
  return el("section", {}, el("h2", {}, title), body);
}

/** A rejected reading: why, and what it said. */
export function rejectWords(reject) {
  const fields = Object.entries(reject.fields ?? {}).map(([name, value]) => `${name} ${value}`);
  return [el("strong", {}, reject.reason ?? reject.code), " ", el("code", {}, fields.join(" "))];
}

/** A change of an alert: its state in a word, then the rest of what it carries. */
export function alertWords(alert) {
  const { id, sensor, state, ...rest } = alert;
  const said = Object.entries(rest).map(([name, value]) => `${name} ${value}`);
  return [el("strong", {}, state ?? ""), " ", said.join(", ")];
}
