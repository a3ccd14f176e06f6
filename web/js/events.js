// The newest rejects and alerts of one sensor, as lists.
import { changeRow } from "./alert-words.js";
import { el } from "./dom.js";
import { dayTime } from "./format.js";
import { idTime } from "./store.js";

/** A section with a heading and a list; `show` leaves the rows that stay, so that scroll and focus do. */
export class EventList {
  constructor(title, rowOf) {
    Object.assign(this, { rowOf, rows: new Map() }); // what was told, as JSON -> its row
    this.list = el("ul", { class: "changes", tabindex: 0, "aria-label": title, hidden: true });
    this.none = el("p", { class: "soft" }, "Not known yet.");
    this.node = el("section", {}, el("h2", {}, title), this.list, this.none);
  }

  /** Show these, newest first, or the line `none` where there are none. */
  show(told, none) {
    const keys = told.map((one) => JSON.stringify(one));
    for (const [key, row] of this.rows) if (!keys.includes(key)) row.remove();
    this.rows = new Map(keys.map((key, i) => [key, this.rows.get(key) ?? this.rowOf(told[i])]));
    [...this.rows.values()].forEach((row, i) => row !== this.list.children[i] && this.list.insertBefore(row, this.list.children[i] ?? null));
    this.list.hidden = !told.length;
    this.none.hidden = !this.list.hidden;
    this.none.textContent = none;
  }
}

/** A rejected reading: why, and what it said. */
export function rejectRow(reject) {
  const fields = Object.entries(reject.fields ?? {}).map(([name, value]) => `${name} ${value}`);
  const what = el("div", { class: "what" }, reject.reason ?? reject.code, el("code", {}, fields.join(" ")));
  return el("li", {}, what, el("time", {}, dayTime(idTime(reject.id))));
}

/** A change of an alert of this very sensor. */
export const alertRow = (alert) => changeRow(alert, false);
