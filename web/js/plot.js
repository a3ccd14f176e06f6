// uPlot: how it is loaded, and how Rillet's charts look in it.
import { el } from "./dom.js";
import { timeLabels } from "./format.js";
import { colours } from "./theme.js";

const FAMILY = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';
const SIZE_REM = 0.8125;
const [S, M, H, D] = [1000, 60_000, 3_600_000, 86_400_000];
// Between marks of the time axis; none below a second, for the labels have none.
const STEPS_MS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * S),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * M),
  ...[1, 2, 3, 6, 12].map((n) => n * H),
  ...[1, 2, 7, 14, 28].map((n) => n * D),
];

let loading;

const SCRIPT = "vendor/uPlot.iife.min.js";

/** Load uPlot once, anew after a failure; rejects with the words to say in place of a chart. */
export function loadPlot() {
  loading ??= new Promise((resolve, reject) => {
    const parts = [el("link", { rel: "stylesheet", href: "vendor/uPlot.min.css" }), el("script", { src: SCRIPT })];
    parts[1].onload = () => resolve(globalThis.uPlot);
    parts[1].onerror = async () => {
      loading = undefined;
      for (const part of parts) part.remove();
      reject(new Error(await whyNot()));
    };
    document.head.append(...parts);
  });
  return loading;
}

// Only a server that is there can say that it has no such file.
async function whyNot() {
  const answer = await fetch(SCRIPT, { method: "HEAD" }).catch(() => undefined);
  if (answer?.status !== 404) return "The chart comes when the server answers";
  return "Charts need uPlot, which set-up could not fetch: rm web/vendor/.tried && make web-vendor";
}

/** uPlot's options for the columns of columns.js. `reach(low, high)` gives the time axis's ends. */
export function plotOptions({ box, hue, label, reach, hooks, sparse }) {
  const letter = SIZE_REM * parseFloat(getComputedStyle(document.documentElement).fontSize);
  const font = `${letter}px ${FAMILY}`;
  const axis = { stroke: () => colours().axis, grid: { stroke: () => colours().grid, width: 1 }, ticks: { show: false }, font, labelFont: font };
  const strokeOf = () => colours().hues[hue];
  const line = (more) => ({ width: 1.5, points: { show: false }, ...more });
  const edge = line({ width: 0, stroke: "transparent" });
  return {
    width: box.clientWidth || 300,
    height: box.clientHeight || 200,
    ms: 1,
    padding: [8, 24, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: true, y: false, setScale: true }, points: { size: 7 } },
    scales: { x: { time: true, range: (_, low, high) => reach(low, high) } },
    axes: [
      { ...axis, space: 6 * letter, size: 2.25 * letter, incrs: STEPS_MS, values: (_, times, __, ___, step) => timeLabels(times, step) },
      { ...axis, label, labelSize: 1.75 * letter, space: 3 * letter, size: (_, labels) => letter * (1.1 + 0.58 * Math.max(2, ...(labels ?? []).map((text) => text.length))) },
    ],
    series: [
      {},
      line({ width: 1.75, stroke: strokeOf, points: { show: () => sparse(), size: 5, width: 0, fill: strokeOf } }),
      line({ dash: [6, 4], stroke: () => colours().ink }),
      edge,
      edge,
      edge,
      edge,
    ],
    bands: [
      { series: [5, 6], fill: () => colours().shades[hue] },
      { series: [3, 4], fill: () => colours().washes[hue] },
    ],
    hooks,
  };
}
