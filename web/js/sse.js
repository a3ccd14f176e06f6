// Reads Server-Sent Events from a byte stream, by the WHATWG rules; touches nothing else.

/** Yield {event, data, id} of each event and null for each comment (a heartbeat). */
export async function* readEvents(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  const event = { event: "message", data: [], id: undefined };
  let held = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const lines = (held + value).split(/\r\n|\n|\r(?!$)/);
      held = lines.pop();
      for (const line of lines) {
        const whole = takeLine(event, line);
        if (whole !== undefined) yield whole;
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function takeLine(event, line) {
  if (line === "") return finish(event);
  const colon = line.indexOf(":");
  if (colon === 0) return null;
  const name = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
  if (name === "data") event.data.push(value);
  else if (name === "event") event.event = value;
  else if (name === "id") event.id = value;
  else if (name === "retry" && /^\d+$/.test(value)) return { event: "retry", data: value };
  return undefined;
}

function finish(event) {
  const whole = event.data.length
    ? { event: event.event, data: event.data.join("\n"), id: event.id }
    : undefined;
  event.event = "message";
  event.data = [];
  return whole;
}
