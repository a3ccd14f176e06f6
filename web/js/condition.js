// Judges one sensor: healthy, stressed or silent; pure.

const LEAST_SILENCE_MS = 15_000;
const SILENT_AFTER_GAPS = 5;
const STRESSED_BEYOND = 3; // standard deviations from the mean

/** What each state is called; `stale`: the page itself hears nothing, so it cannot know. */
export const WORDS = { healthy: "Healthy", stressed: "Stressed", silent: "Silent", stale: "Stale" };

/** Silent: nothing for 15 s, or for 5 of its usual gaps where those are longer. */
export function silenceAfter(record) {
  return Math.max(LEAST_SILENCE_MS, SILENT_AFTER_GAPS * record.gap);
}

/**
 * Stressed: an alert (but for one of silence) is firing, the last value is beyond 3 deviations, or a
 * figure is no number, as someone else wrote to the hash.
 */
export function conditionOf(record, now, alert) {
  if (alert?.type === "silence" || now - record.seen > silenceAfter(record)) return "silent";
  if (alert) return "stressed";
  const { count, last, mean, stddev } = record.now;
  if (count === 0 || ![count, last, mean, stddev].every(Number.isFinite)) return "stressed";
  return count > 10 && Math.abs(last - mean) > STRESSED_BEYOND * stddev ? "stressed" : "healthy";
}
