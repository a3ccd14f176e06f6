// Which alerts are firing, and the newest changes of any; no DOM.

const RECENT = 200; // changes kept, newest first

/** Emits `change` with {detail: {names: Set of the sensors it concerns}}. */
export class Alerts extends EventTarget {
  constructor() {
    super();
    this.bySensor = new Map(); // sensor -> Map of rule -> alert, newest last
    this.recent = [];
    this.told = false; // whether the server has said what fires
    this.toldPast = false; // and what changed before
  }

  /** Take the complete list of what fires: it takes the place of what was known. */
  replace(active) {
    const names = new Set(this.bySensor.keys());
    this.bySensor.clear();
    this.told = true;
    for (const alert of active.toSorted((a, b) => a.at - b.at)) this.#raise(alert, names);
    this.#tell(names);
  }

  /** Take changes that were before: they are told, and change nothing. */
  remember(changes) {
    this.toldPast = true;
    const fresh = changes.filter((change) => !this.recent.some((held) => isSame(held, change)));
    this.recent = [...this.recent, ...fresh].sort((a, b) => b.at - a.at).slice(0, RECENT);
    this.#tell(new Set());
  }

  /** Take one change of state: {sensor, rule, state: firing | resolved, ts, at, message, ...}. */
  take(alert) {
    const names = new Set([alert.sensor]);
    if (alert.state === "firing") this.#raise({ ...alert, since: alert.ts }, names);
    else this.#settle(alert);
    this.recent = [alert, ...this.recent.filter((held) => !isSame(held, alert))].slice(0, RECENT);
    this.#tell(names);
  }

  /** Forget what a sensor that is gone had firing. */
  drop(sensor) {
    if (this.bySensor.delete(sensor)) this.#tell(new Set([sensor]));
  }

  /** The alert of this sensor that began last, or undefined. */
  of(sensor) {
    const own = this.bySensor.get(sensor);
    return own && [...own.values()].at(-1);
  }

  /** All that fires, newest first. */
  get active() {
    const all = [...this.bySensor.values()].flatMap((own) => [...own.values()]);
    return all.sort((a, b) => b.at - a.at);
  }

  get count() {
    let sum = 0;
    for (const own of this.bySensor.values()) sum += own.size;
    return sum;
  }

  #raise(alert, names) {
    const own = this.bySensor.get(alert.sensor) ?? new Map();
    own.delete(alert.rule);
    own.set(alert.rule, alert);
    this.bySensor.set(alert.sensor, own);
    names.add(alert.sensor);
  }

  #settle({ sensor, rule }) {
    const own = this.bySensor.get(sensor);
    own?.delete(rule);
    if (own?.size === 0) this.bySensor.delete(sensor);
  }

  #tell(names) {
    this.dispatchEvent(new CustomEvent("change", { detail: { names } }));
  }
}

function isSame(a, b) {
  return a.sensor === b.sensor && a.entry === b.entry && a.rule === b.rule && a.at === b.at && a.state === b.state;
}
