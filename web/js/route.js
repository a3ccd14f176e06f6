// Which view the address names: `#/` all sensors, `#/sensor/NAME` one. A hash needs no server rule.

/** The sensor's name in the address, or undefined for the list. */
export function sensorInAddress() {
  const found = /^#\/sensor\/(.+)$/.exec(location.hash);
  if (!found) return undefined;
  try {
    return decodeURIComponent(found[1]);
  } catch {
    return found[1];
  }
}

/** Call `show(name or undefined)` now and whenever the address changes. */
export function onRoute(show) {
  addEventListener("hashchange", () => show(sensorInAddress()));
  show(sensorInAddress());
}
