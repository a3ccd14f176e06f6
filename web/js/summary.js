// The few figures of one sensor over the chosen range, in a row above its chart.
import { el, setText } from "./dom.js";
import { count, digitsFor, number, within } from "./format.js";

const TILES = [
  ["mean", "Mean ± deviation"],
  ["p50", "Median (p50)"],
  ["p90", "p90"],
  ["p99", "p99"],
  ["min", "Minimum"],
  ["max", "Maximum"],
  ["count", "Readings"],
];

export class Summary {
  constructor() {
    this.words = el("h2");
    this.cells = new Map(TILES.map(([name]) => [name, el("dd", { "data-summary": name }, "–")]));
    const tiles = TILES.map(([name, label]) => el("div", { class: name }, el("dt", {}, label), this.cells.get(name)));
    this.node = el("div", { class: "summary" }, this.words, el("dl", {}, ...tiles));
  }

  /** Show {mean, stddev, p50, p90, p99, min, max, count}; what is missing is a dash. */
  show(words, figures = {}) {
    setText(this.words, words);
    const { mean, stddev, count: readings } = figures;
    const known = readings > 0;
    const digits = digitsFor(stddev, mean);
    for (const [name, cell] of this.cells) setText(cell, known ? plain(name, figures[name], digits) : "–");
    if (known) setText(this.cells.get("mean"), `${number(mean, digits)} ± ${number(stddev, digits)}`);
    setText(this.cells.get("count"), readings === undefined ? "–" : count(readings));
  }
}

const plain = (name, value, digits) => (/^p\d+$/.test(name) ? within(value) : number(value, digits));
