// What only the server can look up of one sensor: its redis-cli line, its newest alerts and rejects.
import { get } from "./api.js";
import { copyButton, el, setText } from "./dom.js";
import { EventList, alertRow, rejectRow } from "./events.js";

const SHOWN = 20; // alerts and rejects
const PAUSE_MS = 1000; // between two questions, however often rejects come

export class Inspection {
  constructor(name) {
    this.path = `inspect?sensor=${encodeURIComponent(name)}`;
    const command = el("code", {}, `redis-cli HGETALL ${quote(`stats:${name}`)}`);
    this.command = command;
    this.line = el("p", { class: "line" }, command, copyButton(() => command.textContent));
    this.alerts = new EventList("Alerts", alertRow);
    this.rejects = new EventList("Rejected readings", rejectRow);
    this.lists = el("div", { class: "lists" }, this.alerts.node, this.rejects.node);
  }

  /** Ask now, or as soon as the last question is answered and a pause is over. */
  async ask() {
    this.wanted = true;
    if (this.asking) return;
    this.asking = true;
    while (this.wanted && !this.stopped) {
      this.wanted = false;
      this.#show(await get(this.path));
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    this.asking = false;
  }

  stop() {
    this.stopped = true;
  }

  // Without an answer, what was known stays.
  #show(facts) {
    if (!facts) return;
    if (facts.command) setText(this.command, facts.command);
    this.alerts.show((facts.alerts ?? []).slice(0, SHOWN), "No alert of this sensor.");
    this.rejects.show((facts.rejects ?? []).slice(0, SHOWN), "Every reading of this sensor was folded.");
  }
}

const quote = (text) => (/^[\w:.@%+=,/-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
