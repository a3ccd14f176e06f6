// Which sensors are listed, and in which order; pure.

const byName = new Intl.Collator("en", { numeric: true }).compare;

const URGENCY = { stressed: 0, silent: 1, healthy: 2 };

const ORDERS = {
  name: () => 0,
  state: (a, b) => URGENCY[a.state] - URGENCY[b.state],
  value: (a, b) => largerFirst(a.record.now.last, b.record.now.last),
  deviation: (a, b) => largerFirst(a.record.now.stddev, b.record.now.stddev),
  seen: (a, b) => b.record.seen - a.record.seen,
};

/** Names of `sensors` (Map) that fit {text, kind, state, sort}; `judge(name, record)` is its state. */
export function select(sensors, { text, kind, state: wanted, sort }, judge) {
  const needle = text.trim().toLowerCase();
  const rows = [];
  for (const [name, record] of sensors) {
    if (needle && !name.toLowerCase().includes(needle)) continue;
    if (kind && record.now.kind !== kind) continue;
    const state = wanted || sort === "state" ? judge(name, record) : undefined;
    if (wanted && state !== wanted) continue;
    rows.push({ name, record, state });
  }
  const order = ORDERS[sort];
  rows.sort((a, b) => order(a, b) || byName(a.name, b.name));
  return rows.map(({ name }) => name);
}

function largerFirst(a, b) {
  return (b ?? -Infinity) - (a ?? -Infinity) || 0;
}
