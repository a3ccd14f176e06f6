// One sensor over a range: the chart with its key and read-out, and the same as a table.
import { Chart } from "./chart.js";
import { el, setText } from "./dom.js";
import { kindWords } from "./format.js";
import { PointsTable } from "./points.js";
import { hueOf } from "./theme.js";

const KEYS = {
  live: [["k-value", "value"], ["k-mean", "mean of all time"], ["k-band", "± standard deviation"]],
  past: [["k-value", "mean"], ["k-band", "± standard deviation"], ["k-shade", "minimum to maximum"]],
};

export class Timeline {
  constructor() {
    this.points = new PointsTable();
    this.key = el("p", { class: "key" });
    this.box = el("div", { class: "chart", tabindex: 0, role: "group", "aria-label": "Chart over time. Left and right arrows move the read-out, Escape ends a zoom." });
    this.readout = el("output", { class: "readout", "aria-live": "off" });
    this.summary = el("summary", {}, "As a table");
    this.table = el("details", { class: "as-table" }, this.summary, this.points.node);
    this.table.addEventListener("toggle", () => this.#fillTable());
    const below = el("div", { class: "below" }, this.readout, this.key);
    this.node = el("div", { class: "timeline" }, this.box, below, this.table);
  }

  /** Draw the record's live points, or what `answer` says of a range (undefined: not come yet). */
  show(record, range, answer) {
    const { kind, unit } = record.now;
    if (!this.begun || kind !== this.kind || unit !== this.unit) this.#begin(kind, unit);
    if (range !== this.range) this.#turn(range);
    Object.assign(this, { history: record.history, answer, panes: answer?.panes });
    this.#draw();
    this.#fillTable();
  }

  /** Load the chart again, if it could not be loaded; it comes with the next `show`. */
  retry() {
    if (this.failed) this.begun = false;
  }

  redraw() {
    this.chart?.redraw();
  }

  destroy() {
    this.gone = true;
    this.chart?.destroy();
  }

  #turn(range) {
    this.range = range;
    this.drawn = NOTHING;
    this.chart?.endZoom();
    const parts = KEYS[range.key ? "past" : "live"];
    this.key.replaceChildren(...parts.map(([name, text]) => el("span", { class: name }, text)));
  }

  // Hue and label are the chart's for good: another kind or unit needs another chart.
  async #begin(kind, unit) {
    Object.assign(this, { begun: true, kind, unit });
    try {
      const chart = await Chart.make(this.box, this.readout, { hue: hueOf(kind ?? ""), unit: unit ?? "", label: labelOf(kind, unit) });
      if (this.gone || kind !== this.kind || unit !== this.unit) return chart.destroy();
      this.chart?.destroy();
      Object.assign(this, { chart, drawn: NOTHING });
      this.#draw();
      this.#fallBack(false);
    } catch (error) {
      this.#fallBack(true);
      setText(this.readout, error.message);
    }
  }

  // The table in place of a chart that cannot be had; it closes again when the chart comes.
  #fallBack(needed) {
    if (needed === Boolean(this.failed)) return;
    this.box.hidden = this.key.hidden = this.table.open = this.failed = needed;
  }

  // Live points change all the time; an answer is drawn once.
  #draw() {
    if (!this.chart) return;
    if (!this.range.key) this.chart.drawLive(this.history);
    else if (this.answer !== this.drawn) this.chart.drawPanes(this.panes ?? [], this.range.ms, this.#none());
    this.drawn = this.range.key ? this.answer : NOTHING;
  }

  #none() {
    if (!this.answer) return "Asking for this range";
    return this.panes ? "No readings in this range" : "The server did not give the windows of this range";
  }

  #fillTable() {
    if (!this.table.open || !this.range) return;
    if (!this.range.key) this.points.showLive(this.history);
    else if (this.panes !== this.tabled) this.points.showPanes(this.panes ?? []);
    this.tabled = this.range.key ? this.panes : NOTHING;
  }
}

function labelOf(kind, unit) {
  const words = kindWords(kind) || "value";
  return unit ? `${words} (${unit})` : words;
}

const NOTHING = Symbol("nothing is drawn yet");
