// Every figure of one sensor in a table, to the last digit, each with what it means.
import { el, setText } from "./dom.js";
import { count, dateTime, exact } from "./format.js";

const MEANING = {
  count: ["Count", "Readings folded", count],
  last: ["Last", "The newest value"],
  mean: ["Mean", "Sum divided by count"],
  stddev: ["Standard deviation", "Of all readings (divided by n)"],
  stddev_sample: ["Sample deviation", "Divided by n − 1"],
  variance: ["Variance", "Square of the standard deviation"],
  min: ["Minimum", "The smallest value"],
  max: ["Maximum", "The largest value"],
  sum: ["Sum", "Of all values"],
  first_ts: ["First reading", "Its event time", dateTime],
  last_ts: ["Last reading", "Its event time", dateTime],
  duplicates: ["Duplicates", "Repeated seq, not folded", count],
  gaps: ["Gaps", "Numbers missing in seq", count],
  rejected: ["Rejected", "Readings that could not be folded", count],
  restarts: ["Restarts", "Times seq began anew", count],
  last_id: ["Last id", "Stream id of the last reading"],
};
const APART = new Set(["sensor", "kind", "unit"]);

/** A table that `show(row)` keeps current; fields this page does not know stand at its end. */
export class Figures {
  constructor() {
    this.cells = new Map();
    this.body = el("tbody");
    const heads = ["Figure", "Value", "Meaning"].map((text) => el("th", { scope: "col" }, text));
    this.node = el("table", { class: "figures" }, el("caption", { class: "unseen" }, "Statistics"), el("thead", {}, el("tr", {}, ...heads)), this.body);
  }

  show(row) {
    const names = [...Object.keys(MEANING), ...Object.keys(row).filter((name) => !(name in MEANING))];
    for (const name of names) {
      if (row[name] === undefined || APART.has(name)) continue;
      if (!this.cells.has(name)) this.#add(name);
      const words = MEANING[name]?.[2] ?? exact;
      setText(this.cells.get(name), words(row[name]));
    }
  }

  #add(name) {
    const [label, meaning] = MEANING[name] ?? [name, ""];
    const cell = el("td", { "data-field": name, class: "mono" }, "");
    this.cells.set(name, cell);
    this.body.append(el("tr", {}, el("th", { scope: "row" }, label), cell, el("td", { class: "soft" }, meaning)));
  }
}
