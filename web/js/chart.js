// The chart of one sensor: value and mean with the band mean ± standard deviation, on uPlot.
import { el, setText } from "./dom.js";
import { clockTime, digitsFor, number, timeLabels } from "./format.js";
import { colours } from "./theme.js";

let loading;

/** Load uPlot once; rejects where set-up could not fetch it. */
function loadPlot() {
  loading ??= new Promise((resolve, reject) => {
    document.head.append(el("link", { rel: "stylesheet", href: "vendor/uPlot.min.css" }));
    const script = el("script", { src: "vendor/uPlot.iife.min.js" });
    script.onload = () => resolve(globalThis.uPlot);
    script.onerror = () => reject(new Error("web/vendor has no uPlot"));
    document.head.append(script);
  });
  return loading;
}

export class Chart {
  /** `box` is where the chart goes, `readout` an element for the figures under the cursor. */
  static async make(box, readout, hue) {
    return new Chart(await loadPlot(), box, readout, hue);
  }

  constructor(Plot, box, readout, hue) {
    Object.assign(this, { box, readout, hue, zoomed: false, data: [[], [], [], [], []] });
    this.plot = new Plot(this.#options(), this.data, box);
    this.sizing = new ResizeObserver(() => this.#resize());
    this.sizing.observe(box);
    box.addEventListener("keydown", (event) => this.#onKey(event));
  }

  /** Draw a History; a zoomed chart stays where the person put it. */
  draw(history, unit) {
    this.unit = unit;
    this.data = columns(history);
    this.plot.setData(this.data, !this.zoomed);
    if (this.zoomed) this.plot.redraw();
    this.#read();
  }

  /** Show the last `ms` milliseconds, or everything without it, and follow what comes. */
  follow(ms) {
    this.window = ms;
    this.#zoom(false);
    this.plot.setData(this.data, true);
  }

  destroy() {
    this.sizing.disconnect();
    this.plot.destroy();
  }

  #options() {
    const line = (label, width, dash) => ({ label, width, dash, points: { show: false } });
    const hue = () => colours().hues[this.hue];
    const axis = { stroke: () => colours().axis, grid: { stroke: () => colours().grid, width: 1 }, ticks: { show: false }, font: "12px system-ui" };
    const edge = { ...line("edge", 0), stroke: "transparent" };
    return {
      width: this.box.clientWidth || 300,
      height: this.box.clientHeight || 200,
      ms: 1,
      legend: { show: false },
      cursor: { drag: { x: true, y: false, setScale: true }, points: { size: 7 } },
      scales: { x: { time: true, range: (_, low, high) => this.#reach(low, high) } },
      axes: [
        { ...axis, space: 80, size: 32, values: (_, times, __, ___, step) => timeLabels(times, step) },
        { ...axis, size: (_, labels) => 16 + 7 * Math.max(3, ...(labels ?? []).map((text) => text.length)) },
      ],
      series: [
        {},
        { ...line("value", 1.5), stroke: hue },
        { ...line("mean", 1.5, [6, 4]), stroke: () => colours().ink },
        edge,
        edge,
      ],
      bands: [{ series: [3, 4], fill: () => colours().washes[this.hue] }],
      hooks: {
        setCursor: [() => this.#read()],
        setSelect: [(plot) => this.#zoom(plot.select.width > 0)],
      },
    };
  }

  #reach(low, high) {
    if (!Number.isFinite(low)) return [Date.now() - 60_000, Date.now()];
    if (this.zoomed) return [low, high];
    const from = this.window ? Math.max(low, high - this.window) : low;
    return from === high ? [high - 1000, high + 1000] : [from, high];
  }

  #read() {
    const i = this.plot.cursor.idx ?? this.data[0].length - 1;
    const [time, value, mean, upper] = this.data.map((column) => column[i]);
    if (time === undefined) return setText(this.readout, "No points yet");
    const digits = digitsFor(upper - mean, value) + 1;
    const [v, m, d] = [value, mean, upper - mean].map((x) => number(x, Math.min(digits, 8)));
    const which = this.plot.cursor.idx == null ? "Latest" : "At";
    setText(this.readout, `${which} ${clockTime(time)}: value ${v}, mean ${m} ± ${d} ${this.unit ?? ""}`);
  }

  #zoom(on) {
    this.zoomed = on;
    this.box.toggleAttribute("data-zoomed", on);
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.box;
    if (width && height) this.plot.setSize({ width, height });
  }

  #onKey(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const last = this.data[0].length - 1;
    if (event.key === "Escape") this.follow(this.window);
    if (!step || last < 0) return;
    event.preventDefault();
    const i = Math.min(last, Math.max(0, (this.plot.cursor.idx ?? last) + step));
    const left = this.plot.valToPos(this.data[0][i], "x");
    this.plot.setCursor({ left, top: this.plot.valToPos(this.data[1][i], "y") });
  }
}

function columns(history) {
  const all = [[], [], [], [], []];
  for (let i = 0; i < history.length; i++) {
    const [time, value, mean, deviation] = [0, 1, 2, 3].map((field) => history.at(i, field));
    [time, value, mean, mean + deviation, mean - deviation].forEach((x, k) => all[k].push(x));
  }
  return all;
}
