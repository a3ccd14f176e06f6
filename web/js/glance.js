// The figures at the top: readings a second, sensors live and silent, alerts, lag. Their tiles
// stand in index.html, so that nothing below them moves when this comes.
import { messageOf } from "./alert-words.js";
import { byId, setText } from "./dom.js";
import { count, rate } from "./format.js";

const TILES = ["rate", "live", "silent", "lag", "alerts"];
const QUIET = "All alerts and rules";

export class Glance {
  constructor() {
    this.newest = byId("newest");
    this.figures = Object.fromEntries(TILES.map((key) => [key, document.querySelector(`[data-tile=${key}]`)]));
  }

  /** {rate, live, silent, alerts, newest (alert), lag (entries not yet folded)}; undefined is a dash. */
  show(facts) {
    const text = (value, words) => (value === undefined ? "–" : words(value));
    setText(this.figures.rate, text(facts.rate, rate));
    setText(this.figures.live, text(facts.live, count));
    setText(this.figures.silent, text(facts.silent, count));
    setText(this.figures.alerts, text(facts.alerts, count));
    setText(this.figures.lag, text(facts.lag, count));
    setText(this.newest, facts.newest ? messageOf(facts.newest) : QUIET);
    for (const key of ["silent", "alerts"]) {
      this.figures[key].parentElement.toggleAttribute("data-raised", facts[key] > 0);
    }
  }
}
