// What the server knows of one sensor's past: its panes over a range, and what they add up to.
import { get } from "./api.js";
import { serverNow } from "./clock.js";

const LIVE_MS = 5000;
const MOST = 1000; // panes of one answer

/** Asks now and again; `told({row, panes, range})` gets each answer to the newest question only. */
export class Past {
  constructor(sensor, told) {
    Object.assign(this, { path: pathOf(sensor), told, question: 0, sizes: new Map() });
  }

  /** Ask for this range from now on. */
  follow(range) {
    this.range = range;
    clearTimeout(this.timer);
    this.#ask(++this.question);
  }

  /** The server is back: ask at once what it did not answer. */
  retry() {
    if (this.unanswered) this.follow(this.range);
  }

  stop() {
    this.question++;
    clearTimeout(this.timer);
  }

  async #ask(question) {
    const { range } = this;
    const over = range.key ? `?over=${range.key}` : "";
    const [row, panes] = await Promise.all([get(this.path + over), range.key ? this.#panes(range) : undefined]);
    if (question !== this.question) return;
    this.unanswered = row === undefined;
    this.told({ row, panes, range });
    this.timer = setTimeout(() => this.#ask(question), range.refresh_ms ?? LIVE_MS);
  }

  // The first size that the server answers is kept to. undefined: it keeps none, or is away.
  async #panes(range) {
    const from = Math.round(serverNow() - range.ms);
    for (const size of this.sizes.has(range) ? [this.sizes.get(range)] : range.sizes) {
      const answer = await get(`${this.path}/windows?size=${size}&from=${from}&limit=${MOST}`);
      if (!answer?.items) continue;
      this.sizes.set(range, size);
      return answer.items;
    }
    return undefined;
  }
}

// A browser takes `.` and `..` after a slash for folders, whatever they are written as; not after a %2F.
const pathOf = (sensor) => `sensors${/^\.\.?$/.test(sensor) ? "%2F" : "/"}${encodeURIComponent(sensor)}`;
