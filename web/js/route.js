// Which view the address names: `#/` the list, `#/sensor/NAME?over=1h` one sensor, `#/alerts`.
// A hash needs no rule on the server.

/** {view: "list" | "sensor" | "alerts", name, over}: the last two of a sensor. */
export function routeOf(hash) {
  const [path, query = ""] = hash.split("?", 2);
  const sensor = /^#\/sensor\/(.+)$/.exec(path);
  if (sensor) return { view: "sensor", name: decoded(sensor[1]), over: new URLSearchParams(query).get("over") ?? "" };
  return { view: path === "#/alerts" ? "alerts" : "list" };
}

/** The address of one sensor, over a range where one is named. */
export function sensorAddress(name, over = "") {
  return `#/sensor/${encodeURIComponent(name)}${over ? `?over=${over}` : ""}`;
}

/** Call `show(route)` now and whenever the address changes. */
export function onRoute(show) {
  addEventListener("hashchange", () => show(routeOf(location.hash)));
  show(routeOf(location.hash));
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
