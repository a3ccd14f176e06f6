// The colours that canvases need, read from the style sheet once and again when the theme changes.

const dark = matchMedia("(prefers-color-scheme: dark)");
let known;

/** {ink, faint, band, line, hot, ...} as CSS colours. */
export function colours() {
  if (known) return known;
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  known = {
    ink: read("--ink"),
    axis: read("--soft"),
    grid: read("--rule"),
    hues: [1, 2, 3, 4, 5, 6].map((n) => read(`--hue-${n}`)),
    shades: [1, 2, 3, 4, 5, 6].map((n) => read(`--shade-${n}`)),
    washes: [1, 2, 3, 4, 5, 6].map((n) => read(`--wash-${n}`)),
  };
  return known;
}

export function onTheme(redraw) {
  dark.addEventListener("change", () => {
    known = undefined;
    redraw();
  });
}

/** A kind has the same hue on every page; hue never carries meaning alone. */
export function hueOf(kind) {
  let mixed = 7;
  for (const letter of kind) mixed = (mixed * 31 + letter.codePointAt(0)) % 65_521;
  return mixed % 6;
}
