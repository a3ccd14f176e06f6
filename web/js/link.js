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
      if (stream.link.state === "connecting") this.#forgetRedis();
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

  /** When what is shown was so (ms): now while live, else when it was last heard; 0: never. */
  get heardAt() {
    if (this.state === "live") return Date.now();
    return this.redisAway ? this.awaySince : this.stream.link.since;
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
    const stale = since ? ` · stale since ${clockTime(this.heardAt)}` : "";
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

  // What came after Redis was gone made nothing newer.
  #forgetRedis() {
    if (this.redisAway) this.stream.link.since = this.awaySince;
    this.redisAway = false;
  }

  setRedis(away) {
    if (away && !this.redisAway) this.awaySince = Date.now();
    this.redisAway = away;
    this.draw();
  }
}
