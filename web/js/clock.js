// The server's time as this page knows it, so that a wrong clock here silences no sensor.

let ahead = 0;

/** Learn from a Date header; its resolution is a second, so small differences are left. */
export function learnDate(header) {
  const difference = Date.parse(header) - Date.now();
  ahead = Math.abs(difference) > 2000 ? difference : 0;
}

export const serverNow = () => Date.now() + ahead;
