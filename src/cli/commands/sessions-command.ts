/** `edge-sessions sessions`: what support does with a person's sessions. */
import { askAs } from '../ask-service.ts';
import { type EnvironmentOptions, newEnvironmentCommand, newGroup } from '../command.ts';
import { EXIT, Failure } from '../failure.ts';
import { toTable } from '../table.ts';
import { openTerminal } from '../terminal.ts';

type Options = EnvironmentOptions;

interface ListOptions extends Options {
  client?: string;
  ended?: boolean;
}

interface RevokeOptions extends Options {
  user?: string;
  except?: string;
  reason?: string;
}

interface SessionPage {
  sessions: Record<string, unknown>[];
  next_cursor: string | null;
  unanswered_homes?: string[];
}

const PAGE = 100;

export const sessionsCommand = () =>
  newGroup('sessions', 'the sessions of a person', [
    newEnvironmentCommand('list', 'a user’s sessions, newest first', [
      'edge-sessions sessions list 7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c11',
      'edge-sessions sessions list 7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c11 --ended --client web --json',
    ])
      .argument('<user_id>')
      .option('--client <id>', 'of one app alone')
      .option('--ended', 'also those that are over')
      .action(list),
    newEnvironmentCommand('revoke', 'ends a session, or all of a user', [
      'edge-sessions sessions revoke 2e23a119-3c34-482b-860c-04ae88b85b54 --reason user_request',
      'edge-sessions sessions revoke --user 7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c11 --reason credential_compromised',
    ])
      .argument('[session_id]')
      .option('--user <user_id>', 'all sessions of a user')
      .option('--except <session_id>', 'spares one of them')
      .option(
        '--reason <reason>',
        'password_changed, credential_compromised, account_disabled, administrator or user_request',
      )
      .action(revoke),
  ]);

async function list(user: string, options: ListOptions): Promise<void> {
  const terminal = openTerminal(options);
  const ask = await askAs('manage_users', options, terminal);
  const sessions: Record<string, unknown>[] = [];
  let cursor: string | null = null;
  const unavailable = new Set<string>();
  do {
    const query = toQuery({
      client_id: options.client,
      include: options.ended === true ? 'ended' : undefined,
      limit: String(PAGE),
      cursor: cursor ?? undefined,
    });
    const page: SessionPage = await ask(
      'GET',
      `/v1/users/${encodeURIComponent(user)}/sessions${query}`,
    );
    sessions.push(...page.sessions);
    for (const home of page.unanswered_homes ?? []) unavailable.add(home);
    cursor = page.next_cursor;
  } while (cursor !== null);
  const rows = sessions.map((session) => ({
    id: session.id,
    client: session.client_id,
    device: session.label ?? session.device,
    created: session.created_at,
    last_used: session.last_used_at ?? session.created_at,
    ...(options.ended === true && { ended: session.revoked_at }),
  }));
  terminal.answer({ sessions, unanswered_homes: [...unavailable] }, toTable(rows));
  if (unavailable.size > 0)
    terminal.note(`${[...unavailable].join(', ')} did not answer: what is there is not listed`);
}

async function revoke(session: string | undefined, options: RevokeOptions): Promise<void> {
  const terminal = openTerminal(options);
  const { user, except, reason } = options;
  if ((session === undefined) === (user === undefined))
    throw new Failure('name a session, or --user', EXIT.usage);
  if (except !== undefined && user === undefined)
    throw new Failure('--except is for --user', EXIT.usage);
  const ask = await askAs('manage_users', options, terminal);
  if (session !== undefined) {
    await ask('DELETE', `/v1/sessions/${encodeURIComponent(session)}${toQuery({ reason })}`);
    terminal.answer({ session_id: session }, `${session} is over`);
    return;
  }
  const answer = await ask<{ revoked: number }>(
    'DELETE',
    `/v1/users/${encodeURIComponent(user ?? '')}/sessions${toQuery({ except, reason })}`,
  );
  const { revoked } = answer;
  terminal.answer(answer, `${revoked} session${revoked === 1 ? ' is' : 's are'} over`);
}

function toQuery(parameters: Record<string, string | undefined>): string {
  const given = Object.entries(parameters).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}
