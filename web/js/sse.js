// Reads Server-Sent Events from a byte stream, by the WHATWG rules; touches nothing else.

/**
 * Yield {event, data, id} of each event and null for each comment (a heartbeat).
 * `heard` is called for every piece that comes: a long event is heard long before it is whole.
 */
export async function* readEvents(body, heard) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  const event = { event: "message", data: [], id: undefined };
  const lines = new Lines();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      heard();
      for (const line of lines.take(value)) {
        const whole = takeLine(event, line);
        if (whole !== undefined) yield whole;
      }
    }
  } finally {
    reader.cancel().catch(() => {}); // Not awaited: a dead connection must hold up nothing.
  }
}

/** Cuts text into lines. Each piece is looked at once, however many make up one long line. */
class Lines {
  pieces = [];
  afterReturn = false; // The piece before ended in CR: a LF that follows belongs to it.

  take(piece) {
    const text = this.afterReturn && piece.startsWith("\n") ? piece.slice(1) : piece;
    if (piece) this.afterReturn = piece.endsWith("\r");
    const [first, ...rest] = text.split(/\r\n|\n|\r/);
    this.pieces.push(first);
    if (!rest.length) return [];
    const whole = [this.pieces.join(""), ...rest];
    this.pieces = [whole.pop()];
    return whole;
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
