/** `fetch`, with an error that says who does not answer, and why. */
export async function reach(url: string, init?: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    const { code, message } =
      (error as { cause?: { code?: string; message?: string } }).cause ?? {};
    throw new Error(`${url} does not answer (${code ?? message})`);
  }
}
