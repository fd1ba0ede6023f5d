import { EXIT, Failure } from './failure.ts';

/** `fetch`, with an error that says who does not answer, and why. */
export async function reach(url: string, init?: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    const { cause, message: own } = error as Error & {
      cause?: { code?: string; message?: string };
    };
    const why = cause?.code ?? cause?.message ?? own;
    throw new Failure(`${url} does not answer (${why})`, EXIT.unreachable);
  }
}
