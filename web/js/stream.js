// Keeps the connection to api/stream: reads, notices silence, reconnects; says what state it is in.
import { readEvents } from "./sse.js";

const QUIET_MS = 40_000; // longer than two of the server's heartbeats
const OPENING_MS = 10_000; // the server answers at once; longer after each failure, as it may be busy
const PAUSES_MS = [1000, 2000, 4000, 8000, 15_000];

/**
 * Emits `event` with {event, data, id} and `link` whenever `link` changes:
 * {state: connecting | live | waiting | locked | resting, retryAt (ms), since (ms: when data last came)}.
 * fetch, not EventSource: only it tells 401 from an absent server and lets us show the countdown.
 * At most one loop runs; a call of `run` while it does only wakes it.
 */
export class Stream extends EventTarget {
  constructor(url) {
    super();
    this.url = url;
    this.link = { state: "connecting", retryAt: 0, since: 0 };
    this.lastId = undefined;
    this.failures = 0;
    this.heardAt = 0;
    this.leastPause = 0;
    setInterval(() => this.#checkQuiet(), 1000);
    addEventListener("online", () => this.retryNow());
  }

  async run() {
    this.wanted = true;
    if (this.running) return this.retryNow();
    this.running = true;
    while (this.wanted) {
      await this.#connectOnce().catch(() => {}); // Whatever ended it: wait, then connect again.
      if (this.wanted) await this.#pause();
    }
    this.running = false;
    if (this.link.state !== "locked") this.#set({ state: "resting" });
  }

  /** Let go of the connection until `run` is called again. */
  rest() {
    this.wanted = false;
    this.abort?.abort();
    this.retryNow();
  }

  /** End a pause before its time. */
  retryNow() {
    this.wake?.();
  }

  async #connectOnce() {
    this.#set({ state: "connecting" });
    this.abort = new AbortController();
    this.answered = false;
    this.#hear();
    const headers = { Accept: "text/event-stream" };
    if (this.lastId) headers["Last-Event-ID"] = this.lastId;
    const answer = await fetch(this.url, { headers, cache: "no-store", signal: this.abort.signal });
    if (answer.status === 401) return this.#lock();
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    this.answered = true;
    this.#hear();
    this.dispatchEvent(new CustomEvent("date", { detail: answer.headers.get("Date") }));
    for await (const event of readEvents(answer.body, () => this.#hear())) this.#take(event);
  }

  #hear() {
    this.heardAt = Date.now();
    if (this.link.state === "live") this.link.since = this.heardAt;
  }

  #lock() {
    this.wanted = false;
    this.#set({ state: "locked" });
  }

  // Nothing before the first snapshot says that this page is up to date, unless it resumes; but
  // a status does, in its own way.
  #take(event) {
    const { event: name, id } = event ?? {};
    if (name === "retry") this.leastPause = Math.min(Number(event.data), 15_000);
    if (this.lastId || id !== undefined || name === "status") this.#live();
    if (id !== undefined) this.lastId = id;
    if (event && name !== "retry") this.dispatchEvent(new CustomEvent("event", { detail: event }));
  }

  #live() {
    this.failures = 0;
    if (this.link.state !== "live") this.#set({ state: "live", since: this.heardAt });
  }

  #pause() {
    const step = PAUSES_MS[Math.min(this.failures++, PAUSES_MS.length - 1)];
    // Spread out, so that a thousand pages do not return in the same instant.
    const pause = Math.max(step, this.leastPause) * (0.8 + 0.4 * Math.random());
    this.#set({ state: "waiting", retryAt: Date.now() + pause });
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, pause);
      this.wake = () => (clearTimeout(timer), resolve());
    });
  }

  #checkQuiet() {
    if (!["live", "connecting"].includes(this.link.state)) return;
    const opening = Math.min(QUIET_MS, OPENING_MS * 2 ** this.failures);
    const patience = this.answered ? QUIET_MS : opening;
    // A clock that was set back must not put it off.
    if (Math.abs(Date.now() - this.heardAt) > patience) this.abort?.abort();
  }

  #set(change) {
    Object.assign(this.link, change);
    this.dispatchEvent(new CustomEvent("link", { detail: this.link }));
  }
}
