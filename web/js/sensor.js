// The view of one sensor: chart, every figure, the redis-cli line, its rejects and alerts.
import { get } from "./api.js";
import { Chart } from "./chart.js";
import { WORDS } from "./condition.js";
import { byId, copyButton, el, setText } from "./dom.js";
import { alertWords, eventList, rejectWords } from "./events.js";
import { Figures } from "./figures.js";
import { digitsFor, kindWords, number } from "./format.js";
import { pointsTable, showPoints } from "./points.js";
import { hueOf } from "./theme.js";
import { glide, settle } from "./tween.js";

const SPANS = [["1 min", 60_000], ["5 min", 300_000], ["All", undefined]];

export class SensorView {
  constructor(name, store, judge) {
    Object.assign(this, { name, store, judge, figures: new Figures(), points: pointsTable() });
    this.root = byId("sensor");
    this.#compose();
    this.#inspect();
    this.update();
  }

  /** Show what the store holds now; call it when this sensor changed. */
  update() {
    const record = this.store.sensors.get(this.name);
    this.missing.hidden = Boolean(record);
    this.body.hidden = !record;
    if (!record) return;
    if (!this.begun) this.#begin(record);
    this.#showNow(record);
    this.figures.show(record.now);
    if (this.rejected !== record.now.rejected) this.#inspect();
    this.rejected = record.now.rejected;
    this.chart?.draw(record.history, record.now.unit);
    if (this.table.open) showPoints(this.points, record.history);
  }

  destroy() {
    this.gone = true;
    this.chart?.destroy();
    this.root.replaceChildren();
  }

  #compose() {
    this.word = el("span");
    this.value = el("span", { class: "value", "data-field": "last" });
    this.mean = el("span", { "data-field": "mean" });
    this.deviation = el("span", { "data-field": "stddev" });
    this.unit = el("span", { class: "unit" });
    this.kind = el("p", { class: "kind" });
    this.box = el("div", { class: "chart", tabindex: 0, role: "group", "aria-label": "Chart of value and mean. Left and right arrows move the read-out, Escape ends a zoom." });
    this.readout = el("output", { class: "readout" });
    this.table = el("details", { class: "as-table" }, el("summary", {}, "Newest points as a table"), this.points);
    this.table.addEventListener("toggle", () => this.update());
    this.command = el("code", {}, `redis-cli HGETALL ${quote(`stats:${this.name}`)}`);
    this.lists = el("div", { class: "lists" });
    this.missing = el("p", { class: "notice" }, "No reading of this sensor has come yet. This page fills when one does.");
    this.body = el("div", {}, this.#now(), this.#chartPart(), this.#inside());
    const state = el("span", { class: "state" }, el("i", { class: "shape", "aria-hidden": "true" }), this.word);
    const head = el("div", { class: "sensor-head" }, el("h1", { tabindex: -1 }, this.name), state);
    this.root.replaceChildren(el("p", {}, el("a", { href: "#/", class: "back" }, "← All sensors")), head, this.kind, this.missing, this.body);
  }

  #now() {
    return el("div", { class: "big" }, el("p", { class: "now" }, this.value, this.unit), el("p", { class: "spread" }, this.mean, " ± ", this.deviation));
  }

  #chartPart() {
    const buttons = SPANS.map(([label, ms]) =>
      el("button", { type: "button", class: "quiet", "aria-pressed": String(!ms), onclick: (event) => this.#follow(event, ms) }, label),
    );
    this.spans = el("div", { class: "spans", role: "group", "aria-label": "Time shown" }, ...buttons);
    const key = el("p", { class: "key" }, el("span", { class: "k-value" }, "value"), el("span", { class: "k-mean" }, "mean"), el("span", { class: "k-band" }, "± standard deviation"));
    return el("section", { class: "panel" }, el("div", { class: "panel-head" }, key, this.spans), this.box, this.readout, this.table);
  }

  #inside() {
    const look = el("section", { class: "panel" }, el("h2", {}, "The same in Redis"), el("p", { class: "line" }, this.command, copyButton(() => this.command.textContent)));
    const table = el("section", { class: "panel" }, el("h2", {}, "Statistics"), this.figures.node);
    return el("div", { class: "inside" }, table, el("div", { class: "side" }, look, this.lists));
  }

  async #begin(record) {
    this.begun = true;
    this.store.deepen(this.name);
    this.root.dataset.hue = hueOf(record.now.kind ?? "") + 1;
    try {
      const chart = await Chart.make(this.box, this.readout, hueOf(record.now.kind ?? ""));
      if (this.gone) return chart.destroy();
      this.chart = chart;
    } catch {
      this.box.hidden = this.spans.hidden = true;
      this.table.open = true;
      setText(this.readout, "Charts need uPlot, which set-up could not fetch: make -B web-vendor");
    }
    this.update();
  }

  #showNow(record) {
    const { now } = record;
    const digits = digitsFor(now.stddev, now.last);
    const plain = (value) => number(value, digits);
    const put = this.value.show ? glide : settle;
    for (const [node, value] of [[this.value, now.last], [this.mean, now.mean], [this.deviation, now.stddev]]) put(node, value, plain);
    setText(this.unit, now.unit ?? "");
    setText(this.kind, kindWords(now.kind));
    const condition = this.judge(this.name, record);
    this.root.dataset.state = condition;
    setText(this.word, WORDS[condition]);
  }

  #follow(event, ms) {
    for (const button of this.spans.children) button.setAttribute("aria-pressed", String(button === event.target));
    this.chart?.follow(ms);
  }

  async #inspect() {
    const facts = await get(`inspect?sensor=${encodeURIComponent(this.name)}`);
    if (this.gone) return;
    if (facts?.command) setText(this.command, facts.command);
    this.lists.replaceChildren(
      eventList("Alerts", "No alert of this sensor.", facts?.alerts, alertWords),
      eventList("Rejected readings", "Every reading of this sensor was folded.", facts?.rejects, rejectWords),
    );
  }
}

const quote = (text) => (/^[\w:.@%+=,/-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
