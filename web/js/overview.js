// The list of all sensors with its search, filters and order; decides when the order may change.
import { byId, el, setText } from "./dom.js";
import { count, kindWords } from "./format.js";
import { Grid } from "./grid.js";
import { notice } from "./notice.js";
import { select } from "./query.js";

const REORDER_MS = 2000;
const wish = { text: "", kind: "", state: "", sort: "name" };

export class Overview {
  /** `judge` says what a sensor is, `look` what it is shown as (stale while nothing arrives). */
  constructor(store, alerts, judge, look) {
    Object.assign(this, { store, judge, kinds: new Set(), known: 0 });
    this.grid = new Grid(byId("grid"), (card, name, animate) => {
      const record = store.sensors.get(name);
      if (record) card.show(name, record, look(name, record), alerts.of(name), animate);
    });
    byId("tools").addEventListener("submit", (event) => event.preventDefault());
    byId("tools").addEventListener("input", () => this.#onWish());
    setInterval(() => this.#settle(), REORDER_MS);
  }

  /** Take a batch of changes. */
  update(names, whole) {
    for (const name of names) this.#learnKind(this.store.sensors.get(name).now.kind);
    if (whole || this.store.sensors.size !== this.known) this.reorder();
    this.grid.refresh(names);
  }

  reorder() {
    this.known = this.store.sensors.size;
    const names = select(this.store.sensors, wish, this.judge);
    this.grid.order(names);
    const all = names.length === this.known;
    setText(byId("tally"), all ? `${count(this.known)} sensors` : `${count(names.length)} of ${count(this.known)}`);
    this.none = this.known > 0 && names.length === 0;
  }

  /** Give the keyboard to this sensor's card, or to the heading where it is not listed. */
  focus(name) {
    const place = this.grid.names.indexOf(name);
    if (place >= 0) this.grid.focus(place);
    else document.querySelector("#overview h1").focus({ preventScroll: true });
  }

  clear() {
    byId("tools").reset();
    this.#onWish();
  }

  #onWish() {
    for (const [key, id] of [["text", "search"], ["kind", "kind"], ["state", "state"], ["sort", "sort"]]) {
      wish[key] = byId(id).value;
    }
    this.reorder();
    if (byId("grid").getBoundingClientRect().top < 0) scrollTo(0, 0);
    if (this.none) notice("none", () => this.clear());
    else if (this.known) notice(undefined);
  }

  // Cards must not move away under a pointer or the keyboard.
  #settle() {
    const held = byId("grid").matches(":hover, :focus-within") && matchMedia("(hover: hover)").matches;
    if (!held && (wish.sort !== "name" || wish.state)) this.reorder();
    this.grid.refresh();
  }

  #learnKind(kind) {
    if (!kind || this.kinds.has(kind)) return;
    this.kinds.add(kind);
    const options = [...this.kinds].sort().map((one) => el("option", { value: one }, kindWords(one)));
    byId("kind").replaceChildren(el("option", { value: "" }, "All"), ...options);
    byId("kind").value = wish.kind;
  }
}
