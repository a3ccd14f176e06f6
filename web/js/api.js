// Asks the server for what the stream does not carry; all addresses are relative to the page.

const PATIENCE_MS = 10_000; // A question without an answer must not stay open for ever.

/** The JSON answer, or undefined where the server has none or cannot be reached. */
export async function get(path) {
  try {
    const headers = { Accept: "application/json" };
    const answer = await fetch(`api/${path}`, { headers, signal: AbortSignal.timeout(PATIENCE_MS) });
    return answer.ok ? await answer.json() : undefined;
  } catch {
    return undefined;
  }
}

/** Exchange the token for a cookie; return what went wrong, or "" when it worked. */
export async function login(token) {
  try {
    const answer = await fetch("api/login", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (answer.ok) return "";
    return answer.status === 401 || answer.status === 403
      ? "This is not the read token."
      : `The server answered ${answer.status}.`;
  } catch {
    return "The server does not answer. Try again.";
  }
}
