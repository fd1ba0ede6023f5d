/** Sessions and events as the pages for people show them. */

import type { Config } from '../config/config';
import { findDevice } from '../risk/find-device';
import { parseSignals, toLocation } from '../risk/signals';
import type { Device } from '../risk/user-agent';
import { contextOf, toEventView } from '../security-log/event-view';
import type { SessionEvent } from '../security-log/read-events';
import { parseActor } from '../sessions/actor';
import { type Answer, mayConfirm, UNUSUAL_EVENTS } from '../sessions/answer-event';
import { parseJson } from '../sessions/parse-json';
import { idleExpiresAt, lastUsedAt, type Session } from '../sessions/session';

export interface DeviceView {
  id: string;
  isCurrent: boolean;
  isOver: boolean;
  /** The name that the person gave it. */
  label: string | null;
  /** Support staff who act as the person; null: it is the person's own. */
  actor: string | null;
  device: Device;
  app: string | null;
  location: ReturnType<typeof toLocation>;
  createdAt: Date;
  lastUsedAt: Date;
  amr: readonly string[];
  /** When it ends by itself; null: never. */
  endsAt: Date | null;
  /** Whether being used puts that off. */
  endsIfUnused: boolean;
}

export function toDeviceView(
  session: Session,
  config: Config,
  own: Session,
  isOver = false,
): DeviceView {
  const last = parseSignals(session.lastSignals);
  const idleEnd = idleExpiresAt(session, config.sessions);
  const { expiresAt } = session;
  const endsIfUnused = idleEnd !== null && (expiresAt === null || idleEnd < expiresAt);
  return {
    id: session.id,
    isCurrent: session.id === own.id,
    isOver,
    label: session.label,
    actor: parseActor(session.act)?.sub ?? null,
    device: findDevice(session),
    app: appName(config, session.clientId),
    location: last && toLocation(last),
    createdAt: session.createdAt,
    lastUsedAt: lastUsedAt(session),
    amr: toTexts(parseJson(session.amr)),
    endsAt: endsIfUnused ? idleEnd : expiresAt,
    endsIfUnused,
  };
}

const toTexts = (value: unknown) =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];

export function appName({ clients }: Config, clientId: string | null | undefined) {
  return (clientId && clients.get(clientId)?.pages.name) ?? clientId ?? null;
}

/** The name of the person: as their backend says, or by claims of OpenID Connect. */
export function personOf({ metadata, claims }: Session): string | null {
  const { display_name } = parseJson<Record<string, unknown>>(metadata) ?? {};
  const { name, preferred_username, email } = parseJson<Record<string, unknown>>(claims) ?? {};
  const said = [display_name, name, preferred_username, email];
  return said.find((text): text is string => typeof text === 'string' && text !== '') ?? null;
}

/** The device is that of the session, where the event names none. */
export type EventView = ReturnType<typeof toEventView> & {
  at: Date;
  /** The answers that the person can give; none where there is nothing to ask. */
  asks: readonly Answer[];
  shownDevice: Device | null;
  /** The name that the person gave the device; null: none. */
  label: string | null;
  /** Whether the session is there still, and has a page. */
  hasPage: boolean;
};

/** The columns of a session that a list of events shows. */
export type ShownSession = Pick<Session, 'lastSignals' | 'userAgent' | 'label'>;

export function toShownEvents(
  rows: readonly SessionEvent[],
  of: ReadonlyMap<string, ShownSession>,
  own: Session | null,
): EventView[] {
  const views = rows.map((row) => {
    const context = contextOf(row);
    const session = of.get(row.sessionId);
    const known = context?.browser || context?.platform ? context : session && findDevice(session);
    return {
      ...toEventView(row),
      at: row.createdAt,
      asks: own === null ? [] : toOfferedAnswers(row, own),
      shownDevice: known ?? null,
      label: session?.label ?? null,
      hasPage: session !== undefined,
    };
  });
  // A sign-in on a new kind of device is two events of one request, and one thing to a person.
  const newDevices = views.filter(({ type }) => type === 'new_device');
  const isShownAsNewDevice = (event: EventView) =>
    event.type === 'session_created' &&
    newDevices.some(
      ({ session_id: id, request_id: by }) => id === event.session_id && by === event.request_id,
    );
  return views.filter((event) => !isShownAsNewDevice(event));
}

/** A new device is asked about on the others: it was the one that sat there who would answer. */
function toOfferedAnswers(
  row: SessionEvent,
  { id: sessionId, userId, authTime, act }: Session,
): Answer[] {
  const isUnusual = UNUSUAL_EVENTS.some((type) => type === row.type);
  if (!isUnusual || act !== null || toEventView(row).answer !== undefined) return [];
  if (row.type === 'new_device' && row.sessionId === sessionId) return [];
  return mayConfirm(row, { sessionId, userId, authTime }) ? ['yes', 'no'] : ['no'];
}

/** Devices that a person would take for one, the latest first. */
export function groupDevices(devices: readonly DeviceView[]): [DeviceView, ...DeviceView[]][] {
  const groups = new Map<string, [DeviceView, ...DeviceView[]]>();
  for (const view of devices) {
    const { label, actor, app, device } = view;
    const key = JSON.stringify([label, actor, app, device.browser, device.platform]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [view]);
    else group.push(view);
  }
  return [...groups.values()];
}
