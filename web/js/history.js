// The last points of one sensor in a ring of fixed size; pure.

const FIELDS = 4; // time (ms), value, mean, standard deviation

export class History {
  constructor(capacity) {
    this.capacity = capacity;
    this.room = new Float64Array(FIELDS * Math.min(capacity, 8));
    this.length = 0;
    this.start = 0;
  }

  push(time, value, mean, deviation) {
    const slots = this.room.length / FIELDS;
    if (this.length === slots && slots < this.capacity) this.#grow(slots);
    const now = this.room.length / FIELDS;
    if (this.length === now) this.start = (this.start + 1) % now;
    else this.length++;
    const at = ((this.start + this.length - 1) % now) * FIELDS;
    this.room.set([time, value, mean, deviation], at);
  }

  /** The field (0 time, 1 value, 2 mean, 3 deviation) of the i-th point, oldest first. */
  at(i, field) {
    return this.room[((this.start + i) % (this.room.length / FIELDS)) * FIELDS + field];
  }

  // Only ever called before the ring has turned, so the points are in order from 0.
  #grow(slots) {
    const larger = new Float64Array(FIELDS * Math.min(slots * 2, this.capacity));
    larger.set(this.room);
    this.room = larger;
  }
}
