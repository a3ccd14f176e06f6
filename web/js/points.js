// One sensor's newest points or panes as a table: for those who read, and where charts are missing.
import { el } from "./dom.js";
import { clockTime, count, dayTime, digitsFor, number, within } from "./format.js";

const ROWS = 20;
const POINT_HEADS = ["Time", "Value", "Mean", "± deviation"];
const PANE_HEADS = ["From", "Readings", "Mean", "± deviation", "Min", "Max", "p50", "p90", "p99"];

export class PointsTable {
  constructor() {
    this.head = el("tr");
    this.body = el("tbody");
    const table = el("table", { class: "points" }, el("caption", { class: "unseen" }, "Newest points"), el("thead", {}, this.head), this.body);
    this.node = el("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "Newest points" }, table);
  }

  /** The newest points of a History, newest first. */
  showLive(history) {
    const rows = [];
    for (let i = history.length - 1; i >= Math.max(0, history.length - ROWS); i--) {
      const [time, ...values] = [0, 1, 2, 3].map((field) => history.at(i, field));
      rows.push([clockTime(time), ...plain(values, values[2], values[0])]);
    }
    this.#fill(POINT_HEADS, rows);
  }

  /** All panes, newest first. */
  showPanes(panes) {
    const rows = panes.toReversed().map((pane) => {
      const values = plain([pane.mean, pane.stddev, pane.min, pane.max], pane.stddev, pane.mean);
      return [dayTime(pane.start), count(pane.count), ...values, ...[pane.p50, pane.p90, pane.p99].map(within)];
    });
    this.#fill(PANE_HEADS, rows);
  }

  #fill(heads, rows) {
    this.head.replaceChildren(...heads.map((text) => el("th", { scope: "col" }, text)));
    this.body.replaceChildren(...rows.map((row) => el("tr", {}, ...row.map((text) => el("td", {}, text)))));
  }
}

function plain(values, deviation, value) {
  const digits = Math.min(8, digitsFor(deviation, value) + 1);
  return values.map((one) => number(one, digits));
}
