// Which alerts are firing, by sensor and rule; pure.

export class Alerts {
  constructor() {
    this.bySensor = new Map();
  }

  /** Take changes of state, oldest first: {sensor, rule, state: firing | resolved, ...}. */
  take(changes) {
    for (const { sensor, rule = "", state } of changes) {
      const firing = this.bySensor.get(sensor) ?? new Set();
      if (state === "firing") firing.add(rule);
      else firing.delete(rule);
      if (firing.size) this.bySensor.set(sensor, firing);
      else this.bySensor.delete(sensor);
    }
  }

  /** Begin anew from the complete list of what fires now. */
  replace(items) {
    this.bySensor.clear();
    this.take(items);
  }

  has(sensor) {
    return this.bySensor.has(sensor);
  }

  get count() {
    let sum = 0;
    for (const rules of this.bySensor.values()) sum += rules.size;
    return sum;
  }
}
