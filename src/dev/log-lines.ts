/**
 * The log lines of this isolate, for the page to show: what a request cost and which events it
 * wrote is said there and nowhere else. Nothing is changed or held back: each line is still
 * printed.
 */
export interface LogLine {
  event: string;
  request_id?: string;
  /** The id of the event of the security log that the line is about. */
  event_id?: string;
  outcome?: string;
  d1_round_trips?: number;
  d1_rows_written?: number;
  /** How much a run of the cron deleted, by kind. */
  cleanup?: Record<string, unknown>;
  signing_keys?: { published: string | null; purged: number };
  webhooks?: { delivered: number; failed: number; given_up: number };
}

const MOST_LINES = 300;
const lines: LogLine[] = [];
const heard = new WeakSet<typeof console.log>();

/**
 * Called with each request: where `wrangler dev` runs several Workers, the console is put back to
 * what it was once the modules of a Worker have run.
 */
export function keepLines(): void {
  for (const level of ['log', 'warn', 'error'] as const) {
    const print = console[level];
    if (heard.has(print)) continue;
    const hear = (...said: unknown[]) => {
      keep(said[0]);
      print.apply(console, said);
    };
    heard.add(hear);
    console[level] = hear;
  }
}

function keep(said: unknown): void {
  if (typeof said !== 'string' || !said.startsWith('{')) return;
  try {
    const line = JSON.parse(said) as LogLine;
    if (typeof line.event === 'string') lines.push(line);
    if (lines.length > MOST_LINES) lines.shift();
  } catch {
    // The text is no JSON, so it is no line of the service.
  }
}

/** The lines of one request: its own line, and those of the events that it wrote. */
export function linesOf(requestId: string): { own: LogLine | undefined; events: LogLine[] } {
  const its = lines.filter(({ request_id }) => request_id === requestId);
  return {
    own: its.find(({ event }) => event === 'request'),
    events: its.filter(({ event_id }) => event_id !== undefined),
  };
}

/** The newest run of the cron, in its first home. */
export const lastCronRun = (): LogLine | undefined => lines.findLast(({ cleanup }) => cleanup);
