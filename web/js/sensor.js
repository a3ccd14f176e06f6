// The view of one sensor: chart over a range, every figure, the redis-cli line, rejects and alerts.
import { messageAt, sinceWords } from "./alert-words.js";
import { WORDS } from "./condition.js";
import { el, setText } from "./dom.js";
import { Figures } from "./figures.js";
import { digitsFor, kindWords, number } from "./format.js";
import { Inspection } from "./inspection.js";
import { Past } from "./past.js";
import { RangePicker, rangeOf } from "./ranges.js";
import { sensorAddress } from "./route.js";
import { Summary } from "./summary.js";
import { hueOf } from "./theme.js";
import { Timeline } from "./timeline.js";
import { glide, settle } from "./tween.js";

export class SensorView {
  /** `look(name, record)` is the state to show, `now()` the time it is of; `over` the range's key. */
  constructor(root, { name, over }, { store, look, alerts, now }) {
    Object.assign(this, { root, name, title: name, store, look, alerts, now });
    this.past = new Past(name, (answer) => this.#learn(answer));
    this.heard = ({ detail: { names } }) => names.has(name) && (this.inspection.ask(), this.update());
    alerts.addEventListener("change", this.heard);
    this.inspection = new Inspection(name);
    this.rejected = store.sensors.get(name)?.now.rejected;
    this.#compose();
    this.inspection.ask();
    this.pick(over);
  }

  /** Show the range of this key. */
  pick(key) {
    this.range = rangeOf(key);
    this.answer = undefined;
    this.picker.show(this.range);
    this.past.follow(this.range);
    this.update();
  }

  /** Show what the store holds now; call it when this sensor changed. */
  update() {
    const record = this.store.sensors.get(this.name);
    this.missing.hidden = Boolean(record) || !this.store.told;
    this.body.hidden = !record;
    if (!record) return this.#blank();
    this.store.deepen(this.name);
    this.root.dataset.hue = hueOf(record.now.kind ?? "") + 1;
    this.#showNow(record);
    this.#showFigures(record.now);
    if (this.rejected !== record.now.rejected) this.inspection.ask();
    this.rejected = record.now.rejected;
    this.timeline.show(record, this.range, this.answer);
  }

  /** The server is back: ask at once what it did not answer. */
  retry() {
    this.past.retry();
    this.timeline.retry();
  }

  /** The colours changed. */
  redraw() {
    this.timeline.redraw();
  }

  destroy() {
    this.past.stop();
    this.inspection.stop();
    this.alerts.removeEventListener("change", this.heard);
    this.timeline.destroy();
    this.root.replaceChildren();
  }

  #compose() {
    this.word = el("span");
    this.value = el("span", { class: "value", "data-field": "last" });
    this.mean = el("span", { "data-field": "mean" });
    this.deviation = el("span", { "data-field": "stddev" });
    this.unit = el("span", { class: "unit" });
    this.kind = el("p", { class: "kind" });
    this.figures = new Figures();
    this.summary = new Summary();
    this.timeline = new Timeline();
    this.picker = new RangePicker(({ key }) => {
      history.replaceState(null, "", sensorAddress(this.name, key));
      this.pick(key);
    });
    this.missing = el("p", { class: "notice" }, "No reading of this sensor is known: none has come yet, or it was forgotten. This page fills when one comes.");
    this.body = el("div", {}, this.#now(), this.#chartPart(), this.#inside());
    this.state = el("span", { class: "state" }, el("i", { class: "shape", "aria-hidden": "true" }), this.word);
    const head = el("div", { class: "sensor-head" }, el("h1", { tabindex: -1 }, this.name), this.state);
    this.root.replaceChildren(el("p", {}, el("a", { href: "#/", class: "back" }, "← All sensors")), head, this.kind, this.missing, this.body);
  }

  #now() {
    return el("div", { class: "big" }, el("p", { class: "now" }, this.value, this.unit), el("p", { class: "spread" }, this.mean, el("span", { class: "pm" }, " ± "), this.deviation));
  }

  #chartPart() {
    const head = el("div", { class: "panel-head" }, this.summary.words, this.picker.node);
    return el("section", { class: "panel past" }, head, this.summary.node, this.timeline.node);
  }

  #inside() {
    const { look, lists } = this.inspection;
    const table = el("section", { class: "panel" }, el("h2", {}, "Statistics"), this.figures.node);
    return el("div", { class: "inside" }, table, el("div", { class: "side" }, look, lists));
  }

  // What the server does not answer stays as it was known.
  #learn({ row, panes }) {
    const { answer } = this;
    if (!answer || row || panes) this.answer = { row: row ?? answer?.row, panes: panes ?? answer?.panes };
    this.quantiles = row?.quantiles ?? this.quantiles;
    this.update();
  }

  #showFigures(now) {
    const whole = { ...now, ...this.quantiles };
    const over = this.range.key ? (this.answer?.row?.over ?? {}) : undefined;
    this.figures.show(whole, over, this.range.words);
    this.summary.show(this.range.words, over ?? whole);
  }

  #showNow(record) {
    const { now } = record;
    const digits = digitsFor(now.stddev, now.last);
    const plain = (value) => number(value, digits);
    const put = this.value.show ? glide : settle;
    for (const [node, value] of [[this.value, now.last], [this.mean, now.mean], [this.deviation, now.stddev]]) put(node, value, plain);
    setText(this.unit, now.unit ?? "");
    const alert = this.alerts.of(this.name);
    this.kind.toggleAttribute("data-alert", Boolean(alert));
    setText(this.kind, alert ? `${messageAt(alert)} · ${sinceWords(alert, this.now())}` : kindWords(now.kind));
    const condition = this.look(this.name, record);
    this.root.dataset.state = condition;
    setText(this.word, WORDS[condition]);
  }

  #blank() {
    this.root.dataset.state = "none";
    setText(this.word, "");
    setText(this.kind, "");
  }
}
