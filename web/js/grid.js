// Lays cards out in rows and draws only those on screen; knows places, not statistics.
import { Card } from "./card.js";

const ROWS_BEYOND = 1; // drawn above and below the screen, so that a scroll finds them ready

export class Grid {
  /** `paint(card, name, animate)` fills a card; `root` is the list's element. */
  constructor(root, paint) {
    Object.assign(this, { root, paint, names: [], shown: new Map(), spare: [], animate: true });
    new ResizeObserver(() => this.measure()).observe(root);
    addEventListener("scroll", () => this.#onScroll(), { passive: true });
    addEventListener("resize", () => this.#onScroll(), { passive: true });
    root.addEventListener("keydown", (event) => this.#onKey(event));
    this.measure();
  }

  /** Show these sensors in this order. */
  order(names) {
    this.names = names;
    this.#layout();
  }

  /** Redraw the cards on screen whose sensors changed (all of them without a set). */
  refresh(changed) {
    for (const [name, card] of this.shown) {
      if (!changed || changed.has(name)) this.paint(card, name, this.animate);
    }
  }

  /** Redraw everything, sparklines too: their colours or their size changed. */
  redraw() {
    for (const card of [...this.shown.values(), ...this.spare]) card.drawn = undefined;
    this.refresh();
  }

  /** Lay everything out anew: the list is seen again, or its size changed. */
  measure() {
    const style = getComputedStyle(this.root);
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const width = this.root.clientWidth;
    if (!width) return;
    this.gap = parseFloat(style.getPropertyValue("--gap")) * rem;
    this.rowHeight = parseFloat(style.getPropertyValue("--card-height")) * rem + this.gap;
    const least = parseFloat(style.getPropertyValue("--card-width")) * rem;
    this.columns = Math.max(1, Math.floor((width + this.gap) / (least + this.gap)));
    this.cardWidth = (width - this.gap * (this.columns - 1)) / this.columns;
    this.spark = { width: this.cardWidth - 2 * rem - 2, height: 2.75 * rem }; // padding, border
    for (const card of [...this.shown.values(), ...this.spare]) this.#size(card);
    this.#layout();
    this.redraw();
  }

  #size(card) {
    card.node.style.width = `${this.cardWidth}px`;
    card.spark.box = this.spark;
  }

  #onScroll() {
    if (this.planned) return;
    this.planned = true;
    this.animate = false; // A moving page needs no moving figures on it.
    clearTimeout(this.resting);
    this.resting = setTimeout(() => (this.animate = true), 150);
    requestAnimationFrame(() => {
      this.planned = false;
      this.#layout();
    });
  }

  #layout() {
    if (!this.columns || this.root.offsetParent === null) return;
    const rows = Math.ceil(this.names.length / this.columns);
    const height = `${Math.max(0, rows * this.rowHeight - this.gap)}px`;
    if (this.root.style.height !== height) this.root.style.height = height;
    const above = -this.root.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(above / this.rowHeight) - ROWS_BEYOND);
    const last = Math.min(rows, Math.ceil((above + innerHeight) / this.rowHeight) + ROWS_BEYOND);
    this.#place(first * this.columns, Math.min(last * this.columns, this.names.length));
  }

  // Besides the cards on screen the one that has the keyboard, wherever it is.
  #place(from, to) {
    const focused = this.#focused();
    const held = focused ? this.#placeOf(focused) : -1;
    const places = Array.from({ length: to - from }, (_, i) => from + i);
    if (held >= to) places.push(held);
    else if (held >= 0 && held < from) places.unshift(held);
    const wanted = new Set(places.map((i) => this.names[i]));
    for (const [name, card] of this.shown) if (!wanted.has(name)) this.#release(name, card);
    this.#arrange(places.map((i) => this.#put(this.names[i], i).node));
    if (held >= 0 && this.shown.get(this.names[held]) !== focused) this.shown.get(this.names[held]).link.focus({ preventScroll: true });
  }

  #focused() {
    const { sensor } = document.activeElement.closest("#grid .card")?.dataset ?? {};
    return this.shown.get(sensor);
  }

  // Its neighbour's where the sensor is listed no more: that one then gets the keyboard.
  #placeOf(card) {
    const i = this.names.indexOf(card.name);
    return i < 0 ? Math.min(card.place, this.names.length - 1) : i;
  }

  #put(name, i) {
    let card = this.shown.get(name);
    if (!card) {
      card = this.spare.pop() ?? new Card();
      this.#size(card);
      this.shown.set(name, card);
      this.paint(card, name, false);
    }
    const x = (i % this.columns) * (this.cardWidth + this.gap);
    const y = Math.floor(i / this.columns) * this.rowHeight;
    card.place = i;
    card.node.style.transform = `translate(${x}px, ${y}px)`;
    card.node.setAttribute("aria-posinset", i + 1);
    card.node.setAttribute("aria-setsize", this.names.length);
    return card;
  }

  // Tab and a reader follow the elements' order. One with the keyboard would lose it if it were moved.
  #arrange(nodes) {
    const held = nodes.findIndex((node) => node.contains(document.activeElement));
    const fixed = Math.max(0, held < 0 ? nodes.findIndex((node) => node.isConnected) : held);
    if (nodes.length && !nodes[fixed].isConnected) this.root.append(nodes[fixed]);
    for (let i = fixed + 1; i < nodes.length; i++) if (nodes[i - 1].nextSibling !== nodes[i]) nodes[i - 1].after(nodes[i]);
    for (let i = fixed - 1; i >= 0; i--) if (nodes[i + 1].previousSibling !== nodes[i]) nodes[i + 1].before(nodes[i]);
  }

  #release(name, card) {
    this.shown.delete(name);
    this.spare.push(card);
    card.node.remove();
  }

  #onKey(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns };
    const here = this.names.indexOf(event.target.closest(".card")?.dataset.sensor);
    const target = { Home: 0, End: this.names.length - 1 }[event.key] ?? here + steps[event.key];
    if (here < 0 || !(target >= 0 && target < this.names.length)) return;
    event.preventDefault();
    this.focus(target);
  }

  /** Bring the i-th card on screen and give it the keyboard. */
  focus(i) {
    const top = Math.floor(i / this.columns) * this.rowHeight;
    const at = this.root.getBoundingClientRect().top + scrollY + top;
    const covered = document.querySelector(".top").offsetHeight + this.gap;
    if (at - covered < scrollY) scrollTo(0, at - covered);
    else if (at + this.rowHeight > scrollY + innerHeight) scrollTo(0, at + this.rowHeight - innerHeight);
    this.#layout();
    this.shown.get(this.names[i])?.link.focus({ preventScroll: true });
  }
}
