// Asks the server for the alerts that the stream does not tell: past changes, and all while it rests.
import { get } from "./api.js";

const AGAIN_MS = 5000;

export class AlertSync {
  constructor(alerts) {
    this.alerts = alerts;
    this.asking = false;
  }

  /** Learn what changed before this page came; ask until the server answers. */
  async learnPast() {
    if (this.asking) return;
    this.asking = true;
    const known = await get("alerts");
    this.asking = false;
    if (known?.recent) this.alerts.remember(known.recent);
    else setTimeout(() => this.learnPast(), AGAIN_MS);
  }

  /** Learn what fires, where no stream tells it. */
  async learnAll() {
    const known = await get("alerts");
    if (!known?.active) return;
    this.alerts.replace(known.active);
    this.alerts.remember(known.recent);
  }
}
