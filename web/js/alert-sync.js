// Keeps Alerts true to the server: what fires is asked for, changes come with the stream.
import { get } from "./api.js";

const AGAIN_MS = 5000;

/** Feeds `alerts`; `learn()` asks for everything, `take(change)` is for the stream's events. */
export class AlertSync {
  constructor(alerts) {
    this.alerts = alerts;
    this.meanwhile = undefined;
  }

  take(change) {
    this.meanwhile?.push(change);
    this.alerts.take(change);
  }

  /** Ask until it is told. What came meanwhile is newer than the answer: it is taken once more. */
  async learn() {
    if (this.meanwhile) return;
    this.meanwhile = [];
    const known = await get("alerts");
    const changes = this.meanwhile;
    this.meanwhile = undefined;
    if (!known?.active) return setTimeout(() => this.learn(), AGAIN_MS);
    this.alerts.begin({ active: known.active, recent: known.recent ?? [] });
    for (const change of changes) this.alerts.take(change);
  }
}
