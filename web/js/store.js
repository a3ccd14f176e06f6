// What the page knows of every sensor: its newest figures and its last points; no DOM.
import { History } from "./history.js";

const POINTS = 48; // of a card's sparkline
const DEEP_POINTS = 3600; // of a sensor that has been looked at

/**
 * Emits `change` once per batch with {detail: {names: Set of what changed, gone: Set of what was
 * forgotten, folded: number of new readings, whole: whether it was the complete list}}.
 */
export class Store extends EventTarget {
  constructor() {
    super();
    this.sensors = new Map();
    this.told = false; // whether the complete list has ever come
  }

  /** Take the complete list: what is not in it is gone, and a row may be older than the one held. */
  replace(rows) {
    const present = new Set(rows.map((row) => row.sensor));
    const gone = new Set([...this.sensors.keys()].filter((name) => !present.has(name)));
    for (const name of gone) this.sensors.delete(name);
    this.told = true;
    this.#take(rows, gone, true);
  }

  /** Take changed sensors; a row that is older than the one held is skipped. */
  merge(rows) {
    this.#take(rows, new Set(), false);
  }

  /** Keep many points of this sensor from now on. */
  deepen(name) {
    const record = this.sensors.get(name);
    if (!record || record.history.capacity === DEEP_POINTS) return;
    const deep = new History(DEEP_POINTS);
    const old = record.history;
    for (let i = 0; i < old.length; i++) deep.push(...[0, 1, 2, 3].map((f) => old.at(i, f)));
    record.history = deep;
  }

  #take(rows, gone, whole) {
    const names = new Set();
    let folded = 0;
    for (const row of rows) {
      if (row.forgotten) {
        this.#forget(row.sensor, names, gone);
        continue;
      }
      const held = this.sensors.get(row.sensor);
      const older = held && isOlder(row, held.now);
      if (older && !whole) continue;
      const known = older ? undefined : held; // Redis went back: what was held is undone.
      const gained = known ? row.count - known.now.count : whole ? 0 : row.count;
      this.#put(known, row);
      names.add(row.sensor);
      gone.delete(row.sensor);
      folded += Math.max(gained, 0);
    }
    this.dispatchEvent(new CustomEvent("change", { detail: { names, gone, folded, whole } }));
  }

  #forget(name, names, gone) {
    if (!this.sensors.delete(name)) return;
    names.delete(name);
    gone.add(name);
  }

  #put(known, row) {
    const record = known ?? { history: new History(POINTS), gap: 0, seen: 0 };
    const seen = idTime(row.last_id);
    if (known && row.count > known.now.count) {
      const gap = (seen - record.seen) / (row.count - known.now.count);
      record.gap = record.gap ? record.gap * 0.8 + gap * 0.2 : gap;
    }
    record.seen = seen;
    if (row.count > 0 && row.count !== record.now?.count) {
      record.history.push(seen, row.last, row.mean, row.stddev);
    }
    record.now = row;
    this.sensors.set(row.sensor, record);
  }
}

/** The milliseconds in a stream id: when Redis took the sensor's last reading. */
export function idTime(id) {
  return id ? Number(String(id).split("-")[0]) : 0;
}

function isOlder(row, held) {
  const [ms, n] = String(row.last_id ?? "0-0").split("-").map(Number);
  const [heldMs, heldN] = String(held.last_id ?? "0-0").split("-").map(Number);
  return ms < heldMs || (ms === heldMs && n < heldN);
}
