/** Shows what the service did with one call, for the page to put under its button. */
import type { LogLine } from './log-lines';
import type { SeenCall } from './seen-calls';
import { GRACE_SECONDS } from './trials';

/** An event as `GET /v1/users/{user_id}/events` gives it. */
export interface ShownEvent {
  id: string;
  type: string;
  device?: string | null;
  ip_address?: string | null;
  location?: { city: string | null; country: string | null } | null;
  risk?: { reasons: string[] };
}

/** The meaning of an outcome in the log line, or of a reason in the answer. */
const MEANINGS: Record<string, string> = {
  rotated: 'The token was exchanged for the next one.',
  kept: `The token was given less than ${GRACE_SECONDS} seconds ago, so it stays as it is.`,
  repeated: 'The token had just been exchanged, so the answer is the same next token again.',
  recovered: 'The answer to an earlier refresh was lost, so it is given again.',
  signed_out: 'The session is over in the database, and the browser has no cookies any more.',
  unchanged: 'The session was over before. The browser has no cookies any more.',
  reuse_detected:
    'This token was exchanged before, and the grace period is over: two hold the session. It ends, for both.',
};
const ENDED: Record<string, string> = {
  reuse_detected:
    'The session is over because an old token was used. An app tells its person why, and asks for a new sign-in. Start another above to go on.',
  signed_out: 'The session was signed out, so its tokens are worth nothing.',
  session_ended: 'The browser has no session any more. Start another above to go on.',
};

function toMeaning({ status, reason }: SeenCall, { outcome }: LogLine, hasEvent: boolean): string {
  if (status < 400) return MEANINGS[outcome ?? ''] ?? '';
  const known = hasEvent ? MEANINGS[reason ?? ''] : undefined;
  return known ?? ENDED[reason ?? ''] ?? '';
}

export const CallAnswer = ({
  who,
  call,
  line,
  events,
}: {
  who: string;
  call: SeenCall;
  line: LogLine;
  events: readonly ShownEvent[];
}) => (
  <Answer
    who={who}
    request={`${call.method} ${call.path}`}
    meaning={toMeaning(call, line, events.length > 0)}
    isRefused={call.status >= 400}
  >
    <Fact name="Answer">
      <strong>{call.status}</strong> {call.reason ?? line.outcome}
    </Fact>
    {call.presented !== null && (
      <Fact name="Refresh token">
        <code>{call.presented}</code>
        {call.given !== null && call.given !== call.presented && (
          <>
            {' '}
            → <code>{call.given}</code>
          </>
        )}
      </Fact>
    )}
    <Cost line={line} />
    <Fact name="Security log">
      {events.length === 0 ? 'nothing new' : events.map((event) => <EventText event={event} />)}
    </Fact>
  </Answer>
);

export const CronAnswer = ({
  who,
  status,
  line,
}: {
  who: string;
  status: string;
  line: LogLine;
}) => (
  <Answer who={who} request="GET /cdn-cgi/handler/scheduled" meaning="" isRefused={false}>
    <Fact name="Answer">
      <strong>{status}</strong> {line.cleanup?.finished === true ? 'finished' : 'more next time'}
    </Fact>
    <Fact name="Deleted">{toDeleted(line.cleanup ?? {})}</Fact>
    <Fact name="Signing keys">{toKeys(line.signing_keys)}</Fact>
    <Fact name="Webhooks">{toDelivered(line.webhooks)}</Fact>
    <Cost line={line} />
    <Fact name="Security log">nothing new: a session that expires is no event</Fact>
  </Answer>
);

export const NoAnswer = ({ who, text }: { who: string; text: string }) => (
  <Answer who={who} request={null} meaning={text} isRefused={false} />
);

const Answer = ({
  who,
  request,
  meaning,
  isRefused,
  children,
}: {
  who: string;
  request: string | null;
  meaning: string;
  isRefused: boolean;
  children?: unknown;
}) => (
  <div class={isRefused ? 'answer refused' : 'answer'}>
    <h4>{who}</h4>
    {request !== null && <code>{request}</code>}
    {meaning !== '' && <p>{meaning}</p>}
    {children && <dl>{children}</dl>}
  </div>
);

const Fact = ({ name, children }: { name: string; children?: unknown }) => (
  <div>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
);

const Cost = ({ line: { d1_round_trips = 0, d1_rows_written = 0 } }: { line: LogLine }) => (
  <Fact name="D1">
    {count(d1_round_trips, 'round trip')}, {count(d1_rows_written, 'row')} written
  </Fact>
);

function toKeys({ published, purged }: LogLine['signing_keys'] = { published: null, purged: 0 }) {
  const done = [published !== null && 'one published', purged > 0 && `${purged} purged`];
  return done.filter(Boolean).join(', ') || 'none was due';
}

function toDelivered(
  { delivered, failed, given_up }: LogLine['webhooks'] = { delivered: 0, failed: 0, given_up: 0 },
): string {
  return delivered + failed + given_up === 0
    ? 'none waited'
    : `${delivered} delivered, ${failed} failed, ${given_up} given up`;
}

const EventText = ({
  event: { type, device, ip_address, location, risk },
}: {
  event: ShownEvent;
}) => (
  <span class="event">
    <strong>{type}</strong>{' '}
    {[device, ip_address, location?.city, risk?.reasons.join(', ').replaceAll('_', ' ')]
      .filter((part) => part)
      .join(' · ')}
  </span>
);

const count = (number: number, name: string) => `${number} ${name}${number === 1 ? '' : 's'}`;

/** The counts of what was deleted, which are among other things in the line. */
function toDeleted(cleanup: Record<string, unknown>): string {
  const kinds = ['expired', 'revoked', 'idle', 'idempotency_keys', 'events'];
  const deleted = kinds.filter((kind) => Number(cleanup[kind]) > 0);
  if (deleted.length === 0) return 'nothing: ended sessions stay a while, so that reuse is seen';
  return deleted.map((kind) => `${cleanup[kind]} ${kind.replaceAll('_', ' ')}`).join(', ');
}
