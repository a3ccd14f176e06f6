// Which sensors are listed, and in which order; pure.

const byName = new Intl.Collator("en", { numeric: true }).compare;

const ORDERS = {
  name: () => 0,
  value: (a, b) => largerFirst(a.now.last, b.now.last),
  deviation: (a, b) => largerFirst(a.now.stddev, b.now.stddev),
  seen: (a, b) => b.seen - a.seen,
};

/** Names of `sensors` (Map) that fit {text, kind, state, sort}; `judge(name, record)` is its state. */
export function select(sensors, { text, kind, state, sort }, judge) {
  const needle = text.trim().toLowerCase();
  const rows = [];
  for (const [name, record] of sensors) {
    if (needle && !name.toLowerCase().includes(needle)) continue;
    if (kind && record.now.kind !== kind) continue;
    if (state && judge(name, record) !== state) continue;
    rows.push([name, record]);
  }
  const order = ORDERS[sort];
  rows.sort(([a, one], [b, other]) => order(one, other) || byName(a, b));
  return rows.map(([name]) => name);
}

function largerFirst(a, b) {
  return (b ?? -Infinity) - (a ?? -Infinity) || 0;
}
