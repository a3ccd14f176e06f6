// Readings a second over the last few seconds; pure.

const WINDOW_MS = 5000;

export class Rate {
  constructor() {
    this.marks = [];
  }

  /** Count readings that came at `now` (ms). The first ones may be of long before: they only begin it. */
  add(now, readings) {
    if (this.begun !== undefined) this.marks.push([now, readings]);
    this.begun ??= now;
  }

  /** Readings a second at `now` (ms); undefined until a second has been watched. */
  at(now) {
    while (this.marks.length && this.marks[0][0] < now - WINDOW_MS) this.marks.shift();
    const watched = Math.min(WINDOW_MS, now - this.begun);
    if (!(watched >= 1000)) return undefined;
    return (this.marks.reduce((sum, [, n]) => sum + n, 0) * 1000) / watched;
  }

  restart() {
    this.marks = [];
    this.begun = undefined;
  }
}
