// Lets shown numbers glide to their new value; at once where motion is not wanted.
import { setText } from "./dom.js";

const GLIDE_MS = 350;
const still = matchMedia("(prefers-reduced-motion: reduce)");
const moving = new Map();

/** Show `value` in `node` through `show`; the glide starts from what stands there now. */
export function glide(node, value, show) {
  const before = node.shown;
  node.show = show;
  if (still.matches || !Number.isFinite(before) || !Number.isFinite(value) || before === value) {
    return settle(node, value);
  }
  if (moving.size === 0) requestAnimationFrame(step);
  moving.set(node, { from: before, to: value, start: performance.now() });
}

/** Show `value` now, and forget any glide: for a node that another sensor takes over. */
export function settle(node, value, show = node.show) {
  moving.delete(node);
  node.shown = value;
  node.show = show;
  setText(node, node.show(value));
}

function step(now) {
  for (const [node, { from, to, start }] of moving) {
    const part = Math.min(1, Math.max(0, (now - start) / GLIDE_MS));
    if (part === 1 || !node.isConnected) {
      settle(node, to);
      continue;
    }
    const eased = 1 - (1 - part) ** 3;
    node.shown = from + (to - from) * eased;
    setText(node, node.show(node.shown));
  }
  if (moving.size > 0) requestAnimationFrame(step);
}
