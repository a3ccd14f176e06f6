// The state of the connection in words: live, connecting, reconnecting with countdown, stale since.
import { byId, setText } from "./dom.js";
import { clockTime } from "./format.js";

/** Keep the header's line and `body[data-link]` true to `stream` and to what it says of Redis. */
export class LinkLine {
  constructor(stream) {
    this.stream = stream;
    this.redisAway = false;
    stream.addEventListener("link", () => {
      // Each connection begins as if Redis were there, and is told at once where it is not.
      if (stream.link.state === "connecting") this.redisAway = false;
      this.draw();
    });
    setInterval(() => this.draw(), 250);
    byId("retry").addEventListener("click", () => stream.retryNow());
  }

  /** live, connecting, waiting, locked, resting, or away: connected to a server that has lost Redis. */
  get state() {
    const { state } = this.stream.link;
    return state === "live" && this.redisAway ? "away" : state;
  }

  draw() {
    document.body.dataset.link = this.state;
    byId("retry").hidden = this.state !== "waiting";
    const words = this.#words();
    setText(byId("link-text"), words);
    setText(byId("link-said"), words.replace(/ in \d+ s/, "")); // Nobody wants the seconds read out.
  }

  #words() {
    const { since, retryAt } = this.stream.link;
    const stale = since ? ` · stale since ${clockTime(this.redisAway ? this.awaySince : since)}` : "";
    const seconds = Math.max(1, Math.ceil((retryAt - Date.now()) / 1000));
    return {
      live: "Live",
      connecting: since ? `Reconnecting${stale}` : "Connecting",
      waiting: `Reconnecting in ${seconds} s${stale}`,
      locked: "Token needed",
      resting: `Resting${stale}`,
      away: `Redis away${stale}`,
    }[this.state];
  }

  setRedis(away) {
    if (away && !this.redisAway) this.awaySince = Date.now();
    this.redisAway = away;
    this.draw();
  }
}
