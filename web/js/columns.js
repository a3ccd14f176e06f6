// Turns points and panes into the chart's columns; pure.
// Columns: time (ms), line, mean, upper, lower (mean ± deviation), most, least. null is a gap.

/** The columns of a live History: the line is the value, mean and band are of all time. */
export function liveColumns(history) {
  const all = empty();
  for (let i = 0; i < history.length; i++) {
    const [time, value, mean, deviation] = [0, 1, 2, 3].map((field) => history.at(i, field));
    add(all, [time, value, mean, mean + deviation, mean - deviation, null, null]);
  }
  return all;
}

/** The columns of panes, each at its middle: the line is the pane's mean. */
export function paneColumns(panes) {
  const all = empty();
  let end;
  for (const pane of panes) {
    if (end !== undefined && pane.start > end) add(all, [(end + pane.start) / 2, null, null, null, null, null, null]);
    const { mean, stddev, max, min } = pane;
    add(all, [(pane.start + pane.end) / 2, mean, null, mean + stddev, mean - stddev, max, min]);
    end = pane.end;
  }
  return all;
}

/** The pane that stands at this time (ms), or undefined in a gap. */
export const paneAt = (panes, time) => panes.find(({ start, end }) => start <= time && time < end);

const empty = () => [[], [], [], [], [], [], []];
const add = (columns, values) => values.forEach((value, i) => columns[i].push(value));
