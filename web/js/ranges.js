// The ranges of time that a sensor's view offers, and the buttons that choose one.
import { el } from "./dom.js";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/**
 * `key` stands in the address and in ?over=; live has none. `sizes`: of the panes to draw, the
 * best first; a server may be set to keep others: "" is its finest. `refresh_ms`: how often to ask anew.
 */
export const RANGES = [
  { key: "", label: "Live", words: "All time" },
  { key: "5m", label: "5m", words: "Last 5 minutes", ms: 5 * MINUTE_MS, sizes: ["10s", "1m", ""], refresh_ms: 2000 },
  { key: "1h", label: "1h", words: "Last hour", ms: HOUR_MS, sizes: ["1m", "10s", "1h", ""], refresh_ms: 10_000 },
  { key: "24h", label: "24h", words: "Last 24 hours", ms: 24 * HOUR_MS, sizes: ["1h", "1m", "1d", ""], refresh_ms: 15_000 },
  { key: "7d", label: "7d", words: "Last 7 days", ms: 168 * HOUR_MS, sizes: ["1h", "1d", ""], refresh_ms: 30_000 },
];

/** The range of this key; live for a key that is none. */
export const rangeOf = (key) => RANGES.find((range) => range.key === key) ?? RANGES[0];

/** Buttons for all ranges; `pick(range)` is called by a press. */
export class RangePicker {
  constructor(pick) {
    this.buttons = new Map(
      RANGES.map((range) => [range, el("button", { type: "button", class: "quiet", title: range.key ? range.words : "Every reading as it comes", onclick: () => pick(range) }, range.label)]),
    );
    this.node = el("div", { class: "ranges", role: "group", "aria-label": "Time shown" }, ...this.buttons.values());
  }

  show(range) {
    for (const [one, button] of this.buttons) button.setAttribute("aria-pressed", String(one === range));
  }
}
