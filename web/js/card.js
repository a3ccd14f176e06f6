// One sensor's card: its elements, made once and lent to one sensor after another.
import { messageAt } from "./alert-words.js";
import { el, setText } from "./dom.js";
import { WORDS } from "./condition.js";
import { count, digitsFor, kindWords, number } from "./format.js";
import { sensorAddress } from "./route.js";
import { drawSpark } from "./spark.js";
import { hueOf } from "./theme.js";
import { glide, settle } from "./tween.js";

export class Card {
  constructor() {
    this.name = undefined;
    this.link = el("a", { class: "name" });
    this.kind = el("span", { class: "kind" });
    this.word = el("span", {});
    this.state = el("span", { class: "state" }, el("i", { class: "shape", "aria-hidden": "true" }), this.word);
    this.value = el("span", { class: "value", "data-field": "last" });
    this.unit = el("span", { class: "unit" });
    this.spark = el("canvas", { class: "spark", "aria-hidden": "true" });
    this.figures = Object.fromEntries(
      ["mean", "stddev", "count", "min", "max"].map((field) => [field, el("span", { "data-field": field })]),
    );
    this.node = this.#compose();
  }

  #compose() {
    const { mean, stddev, count: n, min, max } = this.figures;
    const pair = (label, ...parts) => el("div", {}, el("dt", {}, label), el("dd", {}, ...parts));
    return el(
      "div",
      { class: "card", role: "listitem" },
      el("div", { class: "head" }, this.link, this.state),
      this.kind,
      el("p", { class: "now" }, this.value, this.unit),
      this.spark,
      el("p", { class: "spread" }, mean, el("span", { class: "pm" }, " ± "), stddev),
      el("dl", {}, pair("count", n), pair("min", min), pair("max", max)),
    );
  }

  /** Show this record; figures glide only while the card stays with one sensor. */
  show(name, record, condition, alert, animate) {
    const fresh = name !== this.name;
    if (fresh) this.#adopt(name);
    const { now } = record;
    if (fresh || now.kind !== this.drawn?.kind || now.unit !== this.drawn?.unit) this.#label(now);
    const digits = digitsFor(now.stddev, now.last);
    const plain = (value) => number(value, digits);
    const put = animate && !fresh ? glide : settle;
    put(this.value, now.last, plain);
    put(this.figures.mean, now.mean, plain);
    put(this.figures.stddev, now.stddev, plain);
    put(this.figures.count, now.count, (value) => count(Math.round(value)));
    settle(this.figures.min, now.min, plain);
    settle(this.figures.max, now.max, plain);
    this.#judge(condition);
    this.#warn(alert);
    if (fresh || now !== this.drawn) drawSpark(this.spark, record.history, this.hue);
    this.drawn = now;
  }

  #adopt(name) {
    this.name = name;
    this.link.textContent = name;
    this.link.title = name;
    this.link.href = sensorAddress(name);
    this.node.dataset.sensor = name;
  }

  #label({ kind, unit }) {
    this.hue = hueOf(kind ?? "");
    this.node.dataset.hue = this.hue + 1;
    this.kindText = kindWords(kind);
    setText(this.unit, unit ?? "");
  }

  // What fires stands in the kind's place, so that nothing moves.
  #warn(alert) {
    const text = alert ? messageAt(alert) : this.kindText;
    this.kind.toggleAttribute("data-alert", Boolean(alert));
    if (this.kind.title !== text) this.kind.title = text;
    setText(this.kind, text);
  }

  #judge(condition) {
    if (this.node.dataset.state === condition) return;
    this.node.dataset.state = condition;
    setText(this.word, WORDS[condition]);
  }
}
