// Numbers and times as people read them; pure.

const plain = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const fixed = Array.from(
  { length: 9 },
  (_, digits) =>
    new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }),
);

export const count = (n) => (Number.isFinite(n) ? plain.format(n) : "–");

/** Decimals that show two digits of the deviation (three from 10 to 100): figures keep their width. */
export function digitsFor(deviation, value) {
  const scale = [deviation, Math.abs(value) / 100].find((one) => one > 0 && one < Infinity) ?? 1;
  return Math.min(8, Math.max(scale < 100 ? 1 : 0, 1 - Math.floor(Math.log10(scale))));
}

export function number(value, digits) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e9 || (size < 1e-6 && digits >= 8))) {
    return value.toExponential(3).replace("e+", "e");
  }
  return fixed[digits].format(value);
}

/** Every digit that the double has: what Redis holds. */
export const exact = (value) => (value === undefined ? "–" : String(value));

const about = new Intl.NumberFormat("en", { minimumSignificantDigits: 3, maximumSignificantDigits: 3 });

/** A figure that is right within 1%: three digits, and marked so. */
export const within = (value) => (Number.isFinite(value) ? `≈ ${about.format(value)}` : "–");

export function rate(perSecond) {
  if (perSecond >= 100_000) return `${number(perSecond / 1000, 0)} k`;
  return number(perSecond, perSecond < 10 ? 1 : 0);
}

export function span(ms) {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  const s = ms / 1000;
  if (s < 60) return `${Math.round(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  return s < 172_800 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86_400)} days`;
}

/** How long something has lasted. */
export const agoWords = (ms) => (ms < 1000 ? "now" : `for ${span(ms)}`);

export const clockTime = (ms) => new Date(ms).toLocaleTimeString("en-GB");

export const dateTime = (ms) =>
  `${new Date(ms).toLocaleDateString("sv-SE")} ${new Date(ms).toLocaleTimeString("en-GB")}`;

/** A kind such as soil_moisture as words. */
export const kindWords = (kind) => (kind ?? "").replaceAll("_", " ");

const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** The time of today, or day and time of another day. */
export function dayTime(ms) {
  const today = new Date(ms).toDateString() === new Date().toDateString();
  return today ? clockTime(ms) : `${day.format(ms)} ${clockTime(ms).slice(0, 5)}`;
}

/** The labels of a time axis whose steps are `step` ms apart; midnight is told by its day. */
export function timeLabels(times, step) {
  const letters = step < 60_000 ? 8 : 5;
  return times.map((ms) => {
    const text = clockTime(ms);
    return text === "00:00:00" ? day.format(ms) : text.slice(0, letters);
  });
}
