// One alert rule in words: what it watches and when it fires; pure.
import { span } from "./format.js";

const WHEN = {
  limit: ({ low, high, hysteresis }) => {
    const sides = [low === undefined || low === null ? "" : `below ${low}`, high === undefined || high === null ? "" : `above ${high}`];
    const back = hysteresis ? `; back by ${hysteresis} to resolve` : "";
    return `Value ${sides.filter(Boolean).join(" or ")}${back}`;
  },
  deviation: ({ sigma, warm_up: warmUp }) =>
    `Value more than ${sigma} deviations from its recent mean${warmUp ? `, once ${warmUp} readings came` : ""}`,
  stuck: ({ after_s: after }) => `Same value for ${span(after * 1000)}`,
  silence: ({ after_s: after }) => `No reading for ${span(after * 1000)}`,
};

/** When the rule fires. */
export const whenWords = (rule) => WHEN[rule.type]?.(rule) ?? rule.type;

/** Which sensors the rule watches. */
export function watchWords({ kind, sensor }) {
  if (sensor) return `Sensors ${sensor}`;
  return kind ? `Kind ${kind.replaceAll("_", " ")}` : "All sensors";
}

/** Whether the rule watches this sensor: by name with * and ?, by kind, or all. */
export function watches({ kind, sensor }, name, ownKind) {
  if (sensor) {
    const pattern = sensor.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".");
    return new RegExp(`^${pattern}$`, "s").test(name);
  }
  return !kind || kind === ownKind;
}
