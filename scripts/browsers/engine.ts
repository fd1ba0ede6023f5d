/** What the trials need of a browser, whatever it is driven by. */

export interface Tab {
  goto(url: string): Promise<void>;
  /** The value of an expression in the page, awaited, as JSON has it. */
  evaluate<T>(expression: string): Promise<T>;
  /** Makes the window as narrow as this, in CSS pixels, or as the browser's windows can be. */
  narrow(width: number): Promise<void>;
}

/** A browser without a past: its tabs share cookies and storage with each other alone. */
export interface Profile {
  openTab(url: string): Promise<Tab>;
  close(): Promise<void>;
}

export interface Engine {
  name: string;
  version: string;
  openProfile(): Promise<Profile>;
  close(): Promise<void>;
}

/** An expression whose value is a text in every protocol. */
export const toText = (expression: string) =>
  `(async () => JSON.stringify((await (${expression})) ?? null))()`;

/** Asks until it is so; the last answer where it never is. */
export async function until<T>(
  ask: () => Promise<T>,
  isSo: (answer: T) => boolean,
  timeoutMs = 15_000,
): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (isSo(answer) || Date.now() > end) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
