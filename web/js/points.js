// The newest points of one sensor as a table: for those who read, and where charts are missing.
import { el } from "./dom.js";
import { clockTime, digitsFor, number } from "./format.js";

const ROWS = 20;

export function pointsTable() {
  const heads = ["Time", "Value", "Mean", "± deviation"].map((text) => el("th", { scope: "col" }, text));
  return el("table", { class: "points" }, el("caption", { class: "unseen" }, "Newest points"), el("thead", {}, el("tr", {}, ...heads)), el("tbody"));
}

/** Fill the table with the newest points, newest first. */
export function showPoints(table, history) {
  const rows = [];
  for (let i = history.length - 1; i >= Math.max(0, history.length - ROWS); i--) {
    const [time, ...values] = [0, 1, 2, 3].map((field) => history.at(i, field));
    const digits = Math.min(8, digitsFor(values[2], values[0]) + 1);
    const texts = [clockTime(time), ...values.map((value) => number(value, digits))];
    rows.push(el("tr", {}, ...texts.map((text) => el("td", {}, text))));
  }
  table.tBodies[0].replaceChildren(...rows);
}
