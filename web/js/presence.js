// Lets go of the stream while nobody looks: a browser opens only six connections to one server,
// and with six forgotten tabs the seventh would wait for ever.

const GRACE_MS = 20_000; // a short look elsewhere costs no reconnection
const ASK_MS = 60_000;

/** Run `stream` while the page is seen; call `ask` now and then while it rests. */
export function followPresence(stream, ask) {
  let leaving;
  const decide = () => {
    clearTimeout(leaving);
    if (!document.hidden) return stream.run();
    leaving = setTimeout(() => stream.rest(), GRACE_MS);
  };
  document.addEventListener("visibilitychange", decide);
  setInterval(() => stream.link.state === "resting" && ask(), ASK_MS);
  if (!document.hidden) stream.run();
}
