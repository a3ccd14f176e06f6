// Makes elements; text is always set as text, so no sensor's name can become markup.

/** el("p", {class: "x", onclick: f}, "text", child): attributes, listeners, children. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

export const byId = (id) => document.getElementById(id);

/** Write only what differs: an unchanged text costs no layout. */
export function setText(node, text) {
  if (node.firstChild?.nodeValue !== text) node.textContent = text;
}

/** A function that has `draw` called once, at the next frame, however often it is called before. */
export function onceAFrame(draw) {
  let planned = false;
  const run = () => ((planned = false), draw());
  return () => {
    if (!planned) requestAnimationFrame(run);
    planned = true;
  };
}

const announcer = () => byId("toast");

/** A button that copies what `text()` gives, and says so. */
export function copyButton(text, label = "Copy") {
  const copy = async () => {
    const said = await navigator.clipboard
      ?.writeText(text())
      .then(() => "Copied")
      .catch(() => undefined);
    toast(said ?? "Select the line and copy it with the keyboard");
  };
  return el("button", { type: "button", class: "quiet copy", onclick: copy }, label);
}

/** Fill `box` by `draw`; a link that had the keyboard before has it afterwards, if it is still there. */
export function keepFocus(box, draw) {
  const held = box.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  draw();
  if (held) [...box.querySelectorAll("a")].find((link) => link.getAttribute("href") === held)?.focus({ preventScroll: true });
}

let fading;
export function toast(text) {
  announcer().textContent = text;
  clearTimeout(fading);
  fading = setTimeout(() => (announcer().textContent = ""), 3000);
}
