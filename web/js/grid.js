// Lays cards out in rows and draws only those on screen; knows places, not statistics.
import { Card } from "./card.js";

const ROWS_BEYOND = 1; // drawn above and below the screen, so that a scroll finds them ready

export class Grid {
  /** `paint(card, name, animate)` fills a card; `root` is the list's element. */
  constructor(root, paint) {
    Object.assign(this, { root, paint, names: [], shown: new Map(), spare: [], animate: true });
    new ResizeObserver(() => this.#measure()).observe(root);
    addEventListener("scroll", () => this.#onScroll(), { passive: true });
    addEventListener("resize", () => this.#onScroll(), { passive: true });
    root.addEventListener("keydown", (event) => this.#onKey(event));
    this.#measure();
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

  #measure() {
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

  #place(from, to) {
    const wanted = new Set(this.names.slice(from, to));
    for (const [name, card] of this.shown) if (!wanted.has(name)) this.#release(name, card);
    for (let i = from; i < to; i++) this.#put(this.names[i], i);
    for (const card of this.spare) if (card.node.isConnected) card.node.remove();
  }

  #put(name, i) {
    let card = this.shown.get(name);
    if (!card) {
      card = this.spare.pop() ?? new Card();
      this.#size(card);
      this.shown.set(name, card);
      this.paint(card, name, false);
    }
    if (!card.node.isConnected) this.root.append(card.node);
    const x = (i % this.columns) * (this.cardWidth + this.gap);
    const y = Math.floor(i / this.columns) * this.rowHeight;
    card.node.style.transform = `translate(${x}px, ${y}px)`;
    card.node.setAttribute("aria-posinset", i + 1);
    card.node.setAttribute("aria-setsize", this.names.length);
  }

  #release(name, card) {
    if (card.node.contains(document.activeElement)) return; // Focus stays where the person put it.
    this.shown.delete(name);
    this.spare.push(card);
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
