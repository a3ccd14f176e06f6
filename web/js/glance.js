// The figures at the top: readings a second, sensors live and silent, alerts, delay.
import { messageOf } from "./alert-words.js";
import { byId, el, setText } from "./dom.js";
import { count, rate, span } from "./format.js";

const TILES = [
  ["rate", "Readings / s"],
  ["live", "Sensors live"],
  ["silent", "Silent"],
  ["lag", "Lag"],
  ["alerts", "Alerts firing"],
];

const QUIET = "All alerts and rules";

export class Glance {
  constructor() {
    this.figures = {};
    this.newest = el("a", { href: "#/alerts" }, QUIET);
    for (const [key, label] of TILES) {
      this.figures[key] = el("dd", { "data-tile": key }, "–");
      const more = key === "alerts" ? [el("dd", { class: "newest" }, this.newest)] : [];
      byId("glance").append(el("div", { class: `tile ${key}` }, el("dt", {}, label), this.figures[key], ...more));
    }
  }

  /** {rate, live, silent, alerts, newest (alert), lag (readings), delay_ms}; undefined is a dash. */
  show(facts) {
    const text = (value, words) => (value === undefined ? "–" : words(value));
    setText(this.figures.rate, text(facts.rate, rate));
    setText(this.figures.live, text(facts.live, count));
    setText(this.figures.silent, text(facts.silent, count));
    setText(this.figures.alerts, text(facts.alerts, count));
    setText(this.figures.lag, facts.lag === undefined ? text(facts.delay_ms, span) : count(facts.lag));
    setText(this.newest, facts.newest ? messageOf(facts.newest) : QUIET);
    for (const key of ["silent", "alerts"]) {
      this.figures[key].parentElement.toggleAttribute("data-raised", facts[key] > 0);
    }
  }
}
