// One alert as people read it: a shape, a word, what happened, where and since when.
import { el } from "./dom.js";
import { agoWords, clockTime, dayTime } from "./format.js";
import { sensorAddress } from "./route.js";

const STATES = { firing: "Firing", resolved: "Resolved" };

/** What happened, as the server says it, or from the entry's fields where it says nothing. */
export function messageOf({ message, rule, value, threshold }) {
  if (message) return message;
  const parts = [value === undefined || value === "" ? "" : `value ${value}`, threshold];
  return [rule, parts.filter(Boolean).join(", ")].filter(Boolean).join(": ");
}

/** The same where the sensor's name stands already: without it. */
export function messageAt(alert) {
  const text = messageOf(alert);
  const rest = text.startsWith(alert.sensor) ? text.slice(alert.sensor.length) : "";
  if (!/^:? /.test(rest)) return text;
  const own = rest.replace(/^:? /, "");
  return own[0].toUpperCase() + own.slice(1);
}

/** Since when it fires and for how long, as text. */
export const sinceWords = ({ since, ts, at }, now) => {
  const from = Number(since ?? ts ?? at);
  return `since ${clockTime(from)} (${agoWords(now - from)})`;
};

/** The state with its shape; `data-alert` gives both their colour. */
export function stateMark(state) {
  const shape = el("i", { class: "shape", "aria-hidden": "true" });
  return el("span", { class: "state", "data-alert": state }, shape, STATES[state] ?? state);
}

/** A list's row of a change of state; `named` puts the sensor's link into it. */
export function changeRow(alert, named = true) {
  const at = Number(alert.at ?? alert.ts);
  const time = el("time", { datetime: new Date(at).toISOString() }, dayTime(at));
  return el("li", {}, stateMark(alert.state), el("div", { class: "what" }, named ? messageOf(alert) : messageAt(alert), ruleLine(alert, named)), time);
}

/** A list's row of an alert that fires now. */
export function firingRow(alert, now) {
  const time = el("time", { "aria-live": "off" }, sinceWords(alert, now)); // it goes on and on
  return el("li", {}, stateMark("firing"), el("div", { class: "what" }, messageOf(alert), ruleLine(alert, true)), time);
}

function ruleLine({ sensor, rule }, named) {
  const link = el("a", { href: sensorAddress(sensor) }, sensor);
  return el("span", { class: "by" }, ...(named ? [link, " · "] : []), "rule ", el("b", {}, rule));
}
