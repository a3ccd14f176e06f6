// What only the server can look up of one sensor: its redis-cli line, its newest alerts and rejects.
import { get } from "./api.js";
import { copyButton, el, setText } from "./dom.js";
import { EventList, alertRow, rejectRow } from "./events.js";

const SHOWN = 20; // alerts and rejects
const PAUSE_MS = 1000; // between two questions, however often rejects come
const AGAIN_MS = 5000; // after one that was not answered

export class Inspection {
  constructor(name) {
    this.path = `inspect?sensor=${encodeURIComponent(name)}`;
    this.command = el("code");
    this.line = el("p", { class: "line", hidden: true }, this.command, copyButton(() => this.command.textContent));
    this.unknown = el("p", { class: "soft" }, "Not known yet.");
    this.look = el("section", { class: "panel" }, el("h2", {}, "The same in Redis"), this.line, this.unknown);
    this.alerts = new EventList("Alerts", alertRow);
    this.rejects = new EventList("Rejected readings", rejectRow);
    this.lists = el("div", { class: "lists" }, this.alerts.node, this.rejects.node);
  }

  /** Ask now, or as soon as the last question is answered and a pause is over; until there is an answer. */
  async ask() {
    this.wanted = true;
    if (this.asking) return;
    this.asking = true;
    while (this.wanted && !this.stopped) {
      this.wanted = false;
      const facts = await get(this.path);
      if (facts) this.#show(facts);
      else this.wanted = true;
      await new Promise((resolve) => setTimeout(resolve, facts ? PAUSE_MS : AGAIN_MS));
    }
    this.asking = false;
  }

  stop() {
    this.stopped = true;
  }

  #show(facts) {
    setText(this.command, facts.command);
    this.line.hidden = false;
    this.unknown.hidden = true;
    this.alerts.show((facts.alerts ?? []).slice(0, SHOWN), "No alert of this sensor.");
    this.rejects.show((facts.rejects ?? []).slice(0, SHOWN), "Every reading of this sensor was folded.");
  }
}
