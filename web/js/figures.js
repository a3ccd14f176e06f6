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
  p50: ["Median (p50)", "Half of the values are below; within 1%"],
  p90: ["p90", "90 of 100 values are below; within 1%"],
  p99: ["p99", "99 of 100 values are below; within 1%"],
  max: ["Maximum", "The largest value"],
  sum: ["Sum", "Of all values"],
  ewm_mean: ["Recent mean", "Old readings weigh ever less"],
  ewm_stddev: ["Recent deviation", "About the recent mean"],
  first_ts: ["First reading", "Its event time", dateTime],
  last_ts: ["Last reading", "Its event time", dateTime],
  duplicates: ["Duplicates", "Repeated seq, not folded", count],
  gaps: ["Gaps", "Numbers missing in seq", count],
  late: ["Late", "Came after their window was closed", count],
  rejected: ["Rejected", "Readings that could not be folded", count],
  restarts: ["Restarts", "Times seq began anew", count],
  last_id: ["Last id", "Stream id of the last reading"],
};
const APART = new Set(["sensor", "kind", "unit", "over", "quantiles"]);

/** A table that `show` keeps current; fields this page does not know stand at its end. */
export class Figures {
  constructor() {
    this.rows = new Map(); // name -> [cell of all time, cell of the range]
    this.body = el("tbody");
    this.overHead = el("th", { scope: "col", class: "over" });
    const [figure, whole, meaning] = ["Figure", "All time", "Meaning"].map((text) => el("th", { scope: "col" }, text));
    const head = el("thead", {}, el("tr", {}, figure, whole, this.overHead, meaning));
    const table = el("table", { class: "figures" }, el("caption", { class: "unseen" }, "Statistics"), head, this.body);
    this.node = el("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "Statistics" }, table);
    this.table = table;
  }

  /** `row`: of all time; `over`: of the range that `words` name, if one is chosen. */
  show(row, over, words) {
    this.table.toggleAttribute("data-over", Boolean(over));
    setText(this.overHead, words ?? "");
    const names = [...Object.keys(MEANING), ...Object.keys(row).filter((name) => !(name in MEANING))];
    for (const name of names) {
      if (row[name] === undefined || APART.has(name)) continue;
      if (!this.rows.has(name)) this.#add(name, names);
      const say = MEANING[name]?.[2] ?? exact;
      const [whole, part] = this.rows.get(name);
      setText(whole, say(row[name]));
      setText(part, over?.[name] === undefined || over[name] === null ? "" : say(over[name]));
    }
  }

  #add(name, order) {
    const [label, meaning] = MEANING[name] ?? [name, ""];
    const whole = el("td", { "data-field": name, class: "mono" }, "");
    const part = el("td", { "data-over": name, class: "mono over" }, "");
    const following = order.slice(order.indexOf(name) + 1).find((one) => this.rows.has(one));
    const row = el("tr", {}, el("th", { scope: "row" }, label), whole, part, el("td", { class: "soft" }, meaning));
    this.body.insertBefore(row, following ? this.rows.get(following)[0].parentElement : null);
    this.rows.set(name, [whole, part]);
  }
}
