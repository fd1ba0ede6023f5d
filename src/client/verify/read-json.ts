/** Reading a small public JSON document, such as a key set, that may be slow, huge or no JSON. */

/** Far more than any key set needs. */
const MAX_BYTES = 256 * 1024;

export interface JsonDocument {
  json: unknown;
  /** How long it may be kept, by its Cache-Control (RFC 9111 §5.2.2); null: it does not say. */
  maxAgeSeconds: number | null;
}

/**
 * null: no 200, no JSON, too much of it, or not within `timeoutMs`. Follows no redirect. The bound
 * holds also where `send` ignores the signal.
 */
export async function readJson(
  url: string,
  send: typeof fetch,
  timeoutMs: number,
): Promise<JsonDocument | null> {
  const signal = AbortSignal.timeout(timeoutMs);
  const tooLate = new Promise<null>((resolve) => {
    signal.addEventListener('abort', () => resolve(null), { once: true });
  });
  try {
    return await Promise.race([read(url, send, signal), tooLate]);
  } catch {
    return null;
  }
}

async function read(
  url: string,
  send: typeof fetch,
  signal: AbortSignal,
): Promise<JsonDocument | null> {
  const headers = { Accept: 'application/json' };
  const response = await send(url, { headers, redirect: 'manual', signal });
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel();
    return null;
  }
  let bytes = 0;
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) return null;
    text += decoder.decode(chunk, { stream: true });
  }
  return { json: JSON.parse(text + decoder.decode()), maxAgeSeconds: readMaxAge(response.headers) };
}

/** The rest of its `max-age`, a part of which may have passed in caches on the way (`Age`). */
function readMaxAge(headers: Headers): number | null {
  const control = headers.get('cache-control') ?? '';
  if (/(^|[\s,])no-(store|cache)\b/i.test(control)) return 0;
  const [, maxAge] = /(?:^|[\s,])max-age="?(\d{1,9})/i.exec(control) ?? [];
  if (maxAge === undefined) return null;
  const [age] = /^\d{1,9}$/.exec(headers.get('age') ?? '0') ?? ['0'];
  return Math.max(0, Number(maxAge) - Number(age));
}
