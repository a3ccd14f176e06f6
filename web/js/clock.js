// The server's time as this page knows it, so that a wrong clock here silences no sensor.

// Counted from the page's own start: whoever sets this machine's clock meanwhile changes nothing.
const begun = Date.now() - performance.now();
const here = () => begun + performance.now();
let ahead = 0;

/** Learn from a Date header; its resolution is a second, so small differences are left. */
export function learnDate(header) {
  const difference = Date.parse(header) - here();
  ahead = Math.abs(difference) > 2000 ? difference : 0;
}

export const serverNow = () => here() + ahead;
