/**
 * Types of the entrypoint `Sessions`, for Workers that are bound to it (docs/rpc.md). Nothing of
 * this is there at run time.
 */
import type {
  Answer,
  EventPage,
  ExchangedCookie,
  ExchangedToken,
  ExportPage,
  HandedOff,
  ImportOutcome,
  Introspection,
  Session,
  SessionPage,
  SessionTokens,
  Tokens,
} from './answers';
import type {
  Act,
  CallOptions,
  CreateOptions,
  Impersonation,
  ImportedSession,
  NewSession,
  NotBefore,
  OfPerson,
  OfUser,
  Paging,
  RefreshRequest,
  SessionChange,
  SessionFilter,
  Signals,
  SignInRequest,
  StepUp,
  StepUpInBrowser,
  Targeted,
} from './inputs';
import type { AuditPage, Delivery, HomeState, SigningKey, Stats } from './operator-answers';
import type { IssuedName, User } from './users';

export type * from './answers';
export type * from './inputs';
export type * from './operator-answers';
export type * from './refusal-codes';
export type * from './users';

/** `props` of a binding: which of CLIENTS the bound Worker is. It is the whole credential. */
export interface SessionsProps {
  /** A `client_id` of CLIENTS. */
  clientId: string;
}

/** For `Service<SessionsEntrypoint>`, the type of a binding. */
export interface SessionsEntrypoint extends SessionsCalls {
  /** The mark of an entrypoint in the types of Workers. It is not there at run time. */
  readonly __WORKER_ENTRYPOINT_BRAND: never;
}

/**
 * The calls of a backend. Each does what the HTTP call does that is named with it, for the clients
 * that `for_clients` names, and needs the capability in parentheses in `allow`.
 */
export interface SessionsCalls {
  /** `POST /v1/sessions` (`create_sessions`; `impersonate` with `act`). */
  create(
    input: NewSession | Impersonation,
    options?: CreateOptions,
  ): Promise<Answer<SessionTokens>>;
  /** The same with `browser`: hands the session to a browser, and answers no tokens. */
  handOff(
    input: (NewSession | Impersonation) & { browser: { return_url: string } },
    options?: CreateOptions,
  ): Promise<Answer<HandedOff>>;
  /**
   * `POST /v1/sessions/{id}/authentication` (`create_sessions`): the person proved anew who they
   * are.
   */
  authenticate(input: StepUp, options?: CallOptions): Promise<Answer<SessionTokens>>;
  /**
   * The same with `browser`, for a session in a browser's cookies: answers where to send the
   * browser, whose session is raised when it gets there.
   */
  authenticateInBrowser(input: StepUpInBrowser, options?: CallOptions): Promise<Answer<HandedOff>>;
  /**
   * `POST /oauth/token` (`refresh`): a session of the client itself. Safe to repeat: for the grace
   * period the same token gives the same answer. After it, a superseded token is theft, and ends
   * the session. `user_agent` and `ip_address` are needed where the client's risk policy refuses
   * what differs.
   */
  refresh(input: RefreshRequest, options?: CallOptions): Promise<Answer<Tokens>>;
  /** `POST /oauth/token` with an ID token (`sign_in`): starts a session of the client itself. */
  signIn(input: SignInRequest, options?: CreateOptions): Promise<Answer<Tokens>>;
  /** `POST /oauth/introspect` (`introspect`): whether a token of either kind is good right now. */
  introspect(input: { token: string }, options?: CallOptions): Promise<Answer<Introspection>>;
  /**
   * `POST /oauth/token` (`exchange`): of an access token that this API was sent, a narrower one for
   * the next (RFC 8693). It lives no longer, and names this client in `act`.
   */
  exchange(
    input: { subject_token: string } & Targeted,
    options?: CallOptions,
  ): Promise<Answer<ExchangedToken>>;
  /**
   * `POST /oauth/revoke`: ends the session of a token of the client's own. `revoked` is false where
   * there was none to end.
   */
  revoke(
    input: { token: string } & Signals,
    options?: CallOptions,
  ): Promise<Answer<{ revoked: boolean }>>;
  /**
   * `POST /v1/import/sessions` (`import_sessions`): the live sessions of another system are taken
   * in, so that nobody is signed out. Safe to repeat.
   */
  importSessions(
    input: { sessions: ImportedSession[] },
    options?: CallOptions,
  ): Promise<Answer<{ sessions: ImportOutcome[] }>>;
  /**
   * `POST /v1/import/hand-off` (`create_sessions`): puts an imported session into the cookies of
   * its browser, by the token that the browser has of the other system. Answers where to send it.
   * Those whose tokens the caller holds itself begin by `refresh` with `imported_token`.
   */
  handOffImported(
    input: { token: string; client_id?: string; browser: { return_url: string } },
    options?: CallOptions,
  ): Promise<Answer<HandedOff>>;
  /**
   * `POST /browser/token` (`browser_tokens`): an access token for the session cookie in the
   * `Cookie` header of a browser's request, of which nothing is rotated.
   */
  exchangeCookie(
    input: { cookie: string } & Signals & Targeted,
    options?: CallOptions,
  ): Promise<Answer<ExchangedCookie>>;

  /** `GET /v1/users` (`manage_users`): a user by an identity provider's name of them. */
  findUser(input: IssuedName, options?: CallOptions): Promise<Answer<{ user: User }>>;
  /** `GET /v1/users/{user_id}/sessions` (`manage_users`). */
  list(
    input: OfUser & Paging & SessionFilter & { include?: 'ended' },
    options?: CallOptions,
  ): Promise<Answer<SessionPage>>;
  /** `GET /v1/users/{user_id}/events` (`manage_users`). */
  listEvents(input: OfUser & Paging, options?: CallOptions): Promise<Answer<EventPage>>;
  /** `DELETE /v1/users/{user_id}/sessions` (`manage_users`): all, or all `except` one. */
  revokeAll(
    input: OfUser & Act & { except?: string },
    options?: CallOptions,
  ): Promise<Answer<{ revoked: number }>>;
  /** `PATCH /v1/users/{user_id}/sessions` (`manage_users`): of all live sessions. */
  updateAll(
    input: OfUser & SessionChange & Act,
    options?: CallOptions,
  ): Promise<Answer<{ updated: number }>>;
  /** `GET /v1/sessions/{id}` (`manage_users`): whoever's it is, whether it is live or over. */
  getSession(
    input: { session_id: string },
    options?: CallOptions,
  ): Promise<Answer<{ session: Session }>>;
  /** `PATCH /v1/sessions/{id}` (`manage_users`): of a live session. */
  updateSession(
    input: { session_id: string; label?: string | null } & SessionChange & Act,
    options?: CallOptions,
  ): Promise<Answer<{ session: Session }>>;
  /** `DELETE /v1/sessions/{id}` (`manage_users`). `revoked` is false where it was over already. */
  revokeSession(
    input: { session_id: string } & Act,
    options?: CallOptions,
  ): Promise<Answer<{ revoked: boolean }>>;
  /** `DELETE /v1/users/{user_id}` (`erase_users`). `erased` is false where nobody was there. */
  erase(input: OfUser & Act, options?: CallOptions): Promise<Answer<{ erased: boolean }>>;
  /** `GET /v1/users/{user_id}/export` (`manage_all`). */
  export(input: OfUser & Paging & Act, options?: CallOptions): Promise<Answer<ExportPage>>;

  /** `GET /v1/sessions`: the person's own. */
  listOwn(input: OfPerson & Paging, options?: CallOptions): Promise<Answer<SessionPage>>;
  /** `GET /v1/sessions/{id}`; without an id, the access token's own. */
  current(
    input: OfPerson & { session_id?: string },
    options?: CallOptions,
  ): Promise<Answer<{ session: Session }>>;
  /** `GET /v1/events` */
  listOwnEvents(input: OfPerson & Paging, options?: CallOptions): Promise<Answer<EventPage>>;
  /** `PATCH /v1/sessions/{id}`; without an id, of the access token's own. */
  updateOwn(
    input: OfPerson & { session_id?: string; label: string | null },
    options?: CallOptions,
  ): Promise<Answer<{ session: Session }>>;
  /** `DELETE /v1/sessions/{id}`; without an id, the access token's own. */
  revokeOwn(
    input: OfPerson & { session_id?: string },
    options?: CallOptions,
  ): Promise<Answer<{ revoked: boolean }>>;
  /** `POST /v1/sessions/revoke-others` */
  revokeOthers(input: OfPerson, options?: CallOptions): Promise<Answer<{ revoked: number }>>;

  /** `GET /v1/homes` (`operate`). */
  listHomes(input?: object, options?: CallOptions): Promise<Answer<{ homes: HomeState[] }>>;
  /** `POST /v1/homes/{home}/drain` (`operate`). */
  drainHome(
    input: { home: string; limit?: number; cursor?: string | null } & Act,
    options?: CallOptions,
  ): Promise<Answer<{ moved: number; next_cursor: string | null }>>;
  /** `POST /v1/users/{user_id}/move` (`operate`). */
  moveUser(
    input: OfUser & Act & { home: string },
    options?: CallOptions,
  ): Promise<Answer<{ user_id: string; home: string; moved: boolean }>>;
  /** `POST /v1/not-before` (`operate`). */
  setNotBefore(
    input: NotBefore,
    options?: CallOptions,
  ): Promise<Answer<{ not_before: string | null }>>;
  /** `GET /v1/webhook-deliveries` (`operate`). */
  listDeliveries(
    input?: Paging & {
      state?: 'pending' | 'refused' | 'dead';
      endpoint?: string;
      home?: string;
    },
    options?: CallOptions,
  ): Promise<Answer<{ deliveries: Delivery[]; next_cursor: string | null }>>;
  /** `POST /v1/webhook-deliveries/replay` (`operate`). */
  replayDeliveries(
    input: Act & ({ endpoint?: string; event_id?: string } | { all: true }),
    options?: CallOptions,
  ): Promise<Answer<{ replayed: number }>>;
  /** `GET /v1/audit-events` (`operate`). */
  listAuditEvents(input?: Paging, options?: CallOptions): Promise<Answer<AuditPage>>;
  /** Of all people, what looks like theft, of the last 1,000 events of each home (`manage_all`). */
  listSuspicious(input?: { limit?: number }, options?: CallOptions): Promise<Answer<EventPage>>;
  /** `GET /v1/stats` (`operate`): the numbers of the last `hours` (1 to 744, default 24). */
  stats(input?: { hours?: number }, options?: CallOptions): Promise<Answer<Stats>>;
  /** `GET /v1/signing-keys` (`operate`). */
  listSigningKeys(input?: object, options?: CallOptions): Promise<Answer<{ keys: SigningKey[] }>>;
  /** `POST /v1/signing-keys/revoke` (`operate`). */
  revokeSigningKeys(
    input: Act & ({ kid: string } | { created_before: number }),
    options?: CallOptions,
  ): Promise<
    Answer<{
      revoked: string[];
      signing: string | null;
      refused_here_within: number;
      refused_by_verifiers_within: number;
    }>
  >;
}
