// The chart of one sensor: readings as they come, or panes of the past, with band and read-out.
import { liveColumns, paneAt, paneColumns } from "./columns.js";
import { serverNow } from "./clock.js";
import { setText } from "./dom.js";
import { clockTime, count, dayTime, digitsFor, number } from "./format.js";
import { loadPlot, plotOptions } from "./plot.js";

const FEW = 40; // panes that are drawn with a dot each

export class Chart {
  /** `box` is where the chart goes, `readout` an element for the figures under the cursor. */
  static async make(box, readout, look) {
    return new Chart(await loadPlot(), box, readout, look);
  }

  constructor(Plot, box, readout, { hue, label, unit }) {
    Object.assign(this, { box, readout, unit, zoomed: false, none: "", panes: undefined, data: liveColumns([]) });
    const hooks = { setCursor: [() => this.#read()], setSelect: [(plot) => this.#zoom(plot.select.width > 0)] };
    const reach = (low, high) => this.#reach(low, high);
    const sparse = () => this.panes !== undefined && this.panes.length <= FEW;
    this.plot = new Plot(plotOptions({ box, hue, label, reach, hooks, sparse }), this.data, box);
    this.sizing = new ResizeObserver(() => this.#resize());
    this.sizing.observe(box);
    box.addEventListener("keydown", (event) => this.#onKey(event));
  }

  /** Draw a History of live readings; a zoomed chart stays where the person put it. */
  drawLive(history) {
    Object.assign(this, { panes: undefined, span: undefined, none: "No points yet" });
    this.#draw(liveColumns(history));
  }

  /** Draw panes over the last `span` ms; `none` is said where there are none. */
  drawPanes(panes, span, none) {
    Object.assign(this, { panes, span, none });
    this.#draw(paneColumns(panes));
  }

  endZoom() {
    this.#zoom(false);
    this.plot.setData(this.data, true);
  }

  /** The colours changed. */
  redraw() {
    this.plot.redraw(false, true);
  }

  destroy() {
    this.sizing.disconnect();
    this.plot.destroy();
  }

  #draw(data) {
    const time = this.data[0][this.plot.cursor.idx];
    this.data = data;
    this.plot.setData(data, !this.zoomed);
    if (this.zoomed) this.plot.redraw();
    if (time !== undefined && !this.box.matches(":hover")) this.#point(data[0].indexOf(time));
    this.#read();
  }

  // A cursor set by the keyboard stays with its point while the chart moves on.
  #point(i) {
    if (i < 0) return this.plot.setCursor({ left: -10, top: -10 });
    const left = this.plot.valToPos(this.data[0][i], "x");
    this.plot.setCursor({ left, top: this.plot.valToPos(this.data[1][i] ?? 0, "y") });
  }

  #reach(low, high) {
    if (this.zoomed) return [low, high];
    if (this.span) return [serverNow() - this.span, serverNow()];
    if (!Number.isFinite(low)) return [Date.now() - 60_000, Date.now()];
    return low === high ? [high - 1000, high + 1000] : [low, high];
  }

  #read() {
    const { idx } = this.plot.cursor;
    const last = this.data[0].length - 1;
    this.box.dataset.none = last < 0 ? this.none : "";
    if (last < 0) return setText(this.readout, this.none);
    const text = this.panes ? this.#paneWords(idx ?? last) : this.#pointWords(idx ?? last);
    setText(this.readout, `${idx == null ? "Latest" : "At"} ${text}`);
  }

  #pointWords(i) {
    const [time, value, mean, upper] = this.data.map((column) => column[i]);
    const digits = Math.min(8, digitsFor(upper - mean, value) + 1);
    const [v, m, d] = [value, mean, upper - mean].map((x) => number(x, digits));
    return `${clockTime(time)}: value ${v}, mean ${m} ± ${d} ${this.unit}`;
  }

  #paneWords(i) {
    const pane = paneAt(this.panes, this.data[0][i]);
    if (!pane) return `${dayTime(this.data[0][i])}: no readings`;
    const digits = Math.min(8, digitsFor(pane.stddev, pane.mean) + 1);
    const [m, d, low, high] = [pane.mean, pane.stddev, pane.min, pane.max].map((x) => number(x, digits));
    return `${dayTime(pane.start)} – ${clockTime(pane.end)}${pane.open ? " (still open)" : ""}: mean ${m} ± ${d} ${this.unit}, ${low} to ${high}, readings ${count(pane.count)}`;
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
    if (event.key === "Escape") this.endZoom();
    if (!step || last < 0) return;
    event.preventDefault();
    this.#point(Math.min(last, Math.max(0, (this.plot.cursor.idx ?? last) + step)));
  }
}
