/** `edge-sessions events watch`: what happens, as it happens. */
import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidArgumentError } from 'commander';
import { type Ask, askAs } from '../ask-service.ts';
import { type EnvironmentOptions, newEnvironmentCommand, newGroup } from '../command.ts';
import { EXIT, Failure } from '../failure.ts';
import { toPlainLine } from '../plain-text.ts';
import { openTerminal, type Terminal } from '../terminal.ts';

interface Options extends EnvironmentOptions {
  user?: string;
  audit?: boolean;
  every: number;
  last: number;
}

interface Event {
  id: string;
  type: string;
  created_at: string | null;
  [member: string]: unknown;
}

interface EventPage {
  events: Event[];
  next_cursor: string | null;
}

const PAGE = 50;
const LONGEST_WAIT_SECONDS = 30;
/** A log that is asked for what is new is read no further back than this. */
const MOST_PAGES = 20;

export const eventsCommand = () =>
  newGroup('events', 'what happens', [
    newEnvironmentCommand('watch', 'shows new events as they come, until it is stopped', [
      'edge-sessions events watch --user 7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c11 --last 10',
      'edge-sessions events watch --audit --json | jq .type',
    ])
      .option('--user <user_id>', 'the security log of a user')
      .option('--audit', 'the audit log: what clients did to other people')
      .option('--every <seconds>', 'how often to look', toNumber, 2)
      .option('--last <count>', 'begins with so many that are there already', toNumber, 0)
      .action(watch),
  ]);

function toNumber(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('It is a whole number.');
  return Number(text);
}

async function watch(options: Options): Promise<void> {
  const terminal = openTerminal(options);
  const { user, audit, every, last } = options;
  if ((user === undefined) === (audit !== true))
    throw new Failure('name a --user, or --audit', EXIT.usage);
  const ask = await askAs(audit === true ? 'operate' : 'manage_users', options, terminal);
  const path =
    user === undefined ? '/v1/audit-events' : `/v1/users/${encodeURIComponent(user)}/events`;
  const seen = new Set<string>();
  const { events } = await ask<EventPage>('GET', `${path}?limit=${PAGE}`);
  for (const { id } of events) seen.add(id);
  for (const event of events.slice(0, last).reverse()) show(event, terminal);
  let failures = 0;
  for (;;) {
    await sleep(1_000 * Math.min(every * 2 ** failures, Math.max(every, LONGEST_WAIT_SECONDS)));
    try {
      for (const event of await readNew(ask, path, seen)) show(event, terminal);
      if (failures > 0) terminal.note('events: it answers again');
      failures = 0;
    } catch (error) {
      // A refused call stays refused; a service that did not answer may answer yet.
      if (!(error instanceof Failure) || error.exitCode !== EXIT.unreachable) throw error;
      failures += 1;
      if (failures === 1) terminal.note(`events: ${error.message}; trying again`);
    }
  }
}

/** The events that were not seen before, the oldest first. They count as seen from then on. */
async function readNew(ask: Ask, path: string, seen: Set<string>): Promise<Event[]> {
  const found: Event[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const from: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const answer: EventPage = await ask('GET', `${path}?limit=${PAGE}${from}`);
    const unseen = answer.events.filter(({ id }) => !seen.has(id));
    found.push(...unseen);
    cursor = answer.next_cursor;
    if (unseen.length < answer.events.length || cursor === null) break;
  }
  for (const { id } of found) seen.add(id);
  return found.reverse();
}

function show(event: Event, terminal: Terminal): void {
  const { created_at: at, type } = event;
  const risk = event.risk as { level?: string } | undefined;
  const target = event.target as { id?: string | null } | undefined;
  const facts = [
    event.device,
    event.ip_address,
    risk?.level === undefined ? undefined : `risk ${risk.level}`,
    target?.id,
    event.reason,
    event.session_id,
  ].filter((fact) => typeof fact === 'string');
  const text = [at ?? '-', type.padEnd(24), facts.join('  ')].join('  ');
  terminal.line(event, toPlainLine(text).trimEnd());
}
