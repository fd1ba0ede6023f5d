/**
 * Erases, or exports, everything that is held of a person in every home. A user's id, or the
 * session id of a guest, names them.
 */
import type { Grant } from '../config/authority';
import { toUuid } from '../crypto';
import { assertAllAnswered, queryAll } from '../homes/query-all';
import type { ActReason } from '../security-log/audit';
import { eraseFormerGuests, erasePerson, listFormerGuests } from '../sessions/erase';
import { exportSection, type HeldRow, SECTIONS, type Section } from '../sessions/export';
import { SLICE } from '../sessions/open';
import { reportAct, toAct } from './acts';
import { authorize } from './authorize';
import type { Caller, ClientCaller } from './caller';
import { invalid, type Result } from './refusal';
import { revocationOf } from './report';
import type { Service } from './service';
import { throttleClient, throttleEnding } from './throttle';

/**
 * Erases a person. One who is not there counts as erased. Safe to repeat, and to be repeated until
 * every home has answered: throws `DatabaseUnavailableError` while one does not.
 */
export async function erase(
  caller: ClientCaller,
  service: Service,
  subject: string,
  reason: ActReason | null,
): Promise<Result<{ wasThere: boolean }>> {
  const authorized = authorize(caller.client, 'erase_users');
  if (!authorized.ok) return authorized;
  const throttled = await throttleEnding(caller, service, subject);
  if (throttled !== null) return throttled;
  const { grant } = authorized;
  const person = await eraseToLastGuests(caller, service, grant, subject);
  const act = await toAct(caller, service, grant, {
    type: 'user_erased',
    target: { type: 'user', id: subject },
    reason,
  });
  const { results, unavailable } = await queryAll(service.homes(caller), (home) =>
    erasePerson(home, act, person, revocationOf(caller, service)),
  );
  reportAct(caller, act, results);
  assertAllAnswered(unavailable);
  return { ok: true, wasThere: results.some(({ value }) => value) };
}

/** Erases so many of the guests that the person was that few are left, and returns the person. */
async function eraseToLastGuests(
  caller: Caller,
  service: Service,
  grant: Grant<'erase_users'>,
  subject: string,
) {
  for (;;) {
    const { formerGuests, lists } = await findPerson(caller, service, grant, {
      subject,
      limit: SLICE,
    });
    if (lists.every(({ length }) => length < SLICE)) return { subject, formerGuests };
    const { unavailable } = await queryAll(service.homes(caller), (home) =>
      eraseFormerGuests(home, grant, formerGuests, revocationOf(caller, service)),
    );
    assertAllAnswered(unavailable);
  }
}

/** The position at which an export goes on. */
export interface ExportPosition {
  home: string;
  section: Section;
  after: number;
}

interface ExportedPage {
  subject: string;
  /** null: the first page. */
  position: ExportPosition | null;
  limit: number;
}

/**
 * Exports one page of one home. A page may be empty, and is the last one when `next` is null. The
 * first page begins without a position.
 */
export async function exportPerson(
  caller: ClientCaller,
  service: Service,
  { subject, position, limit }: ExportedPage,
  reason: ActReason | null,
): Promise<Result<{ home: string; rows: HeldRow[]; next: ExportPosition | null }>> {
  const authorized = authorize(caller.client, 'manage_all');
  if (!authorized.ok) return authorized;
  const throttled = await throttleClient(caller, service, subject);
  if (throttled !== null) return throttled;
  const [first] = service.config.homes.keys();
  const at = position ?? { home: first as string, section: SECTIONS[0], after: 0 };
  const home = service.findHome(at.home, caller);
  if (home === null) return invalid('cursor is not one that this service gave');
  const person = await findPerson(caller, service, authorized.grant, { subject });
  const { grant } = authorized;
  const act = await toAct(caller, service, grant, {
    id: await toExportId([grant.clientId, subject, home.name], service.now()),
    type: 'user_exported',
    target: { type: 'user', id: subject },
    reason,
    outboxHome: home.name,
  });
  const { rows, next } = await exportSection(home, act, person, { ...at, limit });
  reportAct(caller, act, [{ home }]);
  const following = next === null ? positionAfter(at, service) : { ...at, after: next };
  return { ok: true, home: home.name, rows, next: following };
}

/**
 * The id of an export: the same for all pages of an hour, so that the export is one event in the
 * audit log of a home.
 */
function toExportId(whose: readonly string[], now: number): Promise<string> {
  return toUuid(['export', ...whose, Math.floor(now / 3_600_000)]);
}

/** The position of the next section, or of the next home's first section; null: that was all. */
function positionAfter(
  { home, section }: ExportPosition,
  { config }: Service,
): ExportPosition | null {
  const next = SECTIONS[SECTIONS.indexOf(section) + 1];
  if (next !== undefined) return { home, section: next, after: 0 };
  const names = [...config.homes.keys()];
  const nextHome = names[names.indexOf(home) + 1];
  return nextHome === undefined ? null : { home: nextHome, section: SECTIONS[0], after: 0 };
}

/**
 * Finds the guests that the person was. Throws when a home does not answer, because it may be the
 * only one that knows one.
 */
async function findPerson(
  caller: Caller,
  service: Service,
  grant: Grant<'erase_users' | 'manage_all'>,
  { subject, limit = Number.MAX_SAFE_INTEGER }: { subject: string; limit?: number },
) {
  const { results, unavailable } = await queryAll(service.homes(caller), (home) =>
    listFormerGuests(home, grant, subject, limit),
  );
  assertAllAnswered(unavailable);
  const lists = results.map(({ value }) => value);
  return { subject, formerGuests: [...new Set(lists.flat())], lists };
}
