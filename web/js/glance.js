// The figures at the top: readings a second, sensors live and silent, alerts, delay.
import { byId, el, setText } from "./dom.js";
import { count, rate, span } from "./format.js";

const TILES = [
  ["rate", "Readings / s"],
  ["live", "Sensors live"],
  ["silent", "Silent"],
  ["alerts", "Alerts firing"],
  ["lag", "Lag"],
];

export class Glance {
  constructor() {
    this.figures = {};
    for (const [key, label] of TILES) {
      this.figures[key] = el("dd", { "data-tile": key }, "–");
      byId("glance").append(el("div", { class: `tile ${key}` }, el("dt", {}, label), this.figures[key]));
    }
  }

  /** {rate, live, silent, alerts, lag (readings), delay_ms}; undefined is shown as a dash. */
  show(facts) {
    const text = (value, words) => (value === undefined ? "–" : words(value));
    setText(this.figures.rate, text(facts.rate, rate));
    setText(this.figures.live, text(facts.live, count));
    setText(this.figures.silent, text(facts.silent, count));
    setText(this.figures.alerts, text(facts.alerts, count));
    setText(this.figures.lag, facts.lag === undefined ? text(facts.delay_ms, span) : count(facts.lag));
    for (const key of ["silent", "alerts"]) {
      this.figures[key].parentElement.toggleAttribute("data-raised", facts[key] > 0);
    }
  }
}
