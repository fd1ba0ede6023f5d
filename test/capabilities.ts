/** What a client needs for each operation, whichever door it comes by. */
import type { SessionsCalls } from '../src/client/rpc';
import type { Capability } from '../src/config/clients';

export interface Need {
  /** null: the token that is brought decides. */
  needs: Capability | null;
  /** Its `operationId` over HTTP; absent: it is a grant of the token endpoint, or not there. */
  operation?: string;
}

export const NEEDS: { [Name in keyof SessionsCalls]: Need } = {
  create: { needs: 'create_sessions', operation: 'createSession' },
  handOff: { needs: 'create_sessions', operation: 'createSession' },
  authenticate: { needs: 'create_sessions', operation: 'stepUpSession' },
  authenticateInBrowser: { needs: 'create_sessions', operation: 'stepUpSession' },
  refresh: { needs: 'refresh' },
  signIn: { needs: 'sign_in' },
  introspect: { needs: 'introspect', operation: 'introspectToken' },
  exchange: { needs: 'exchange' },
  exchangeCookie: { needs: 'browser_tokens', operation: 'exchangeCookie' },
  revoke: { needs: null, operation: 'revokeToken' },
  importSessions: { needs: 'import_sessions', operation: 'importSessions' },
  handOffImported: { needs: 'create_sessions', operation: 'handOffImported' },
  findUser: { needs: 'manage_users', operation: 'findUser' },
  list: { needs: 'manage_users', operation: 'listSessions' },
  listEvents: { needs: 'manage_users', operation: 'listEvents' },
  revokeAll: { needs: 'manage_users', operation: 'revokeSessions' },
  updateAll: { needs: 'manage_users', operation: 'updateSessions' },
  getSession: { needs: 'manage_users', operation: 'getSession' },
  updateSession: { needs: 'manage_users', operation: 'updateSession' },
  revokeSession: { needs: 'manage_users', operation: 'revokeSession' },
  erase: { needs: 'erase_users', operation: 'eraseUser' },
  export: { needs: 'manage_all', operation: 'exportUser' },
  listOwn: { needs: null, operation: 'listOwnSessions' },
  current: { needs: null, operation: 'getOwnSession' },
  listOwnEvents: { needs: null, operation: 'listOwnEvents' },
  updateOwn: { needs: null, operation: 'nameOwnSession' },
  revokeOwn: { needs: null, operation: 'revokeOwnSession' },
  revokeOthers: { needs: null, operation: 'revokeOtherSessions' },
  listHomes: { needs: 'operate', operation: 'listHomes' },
  drainHome: { needs: 'operate', operation: 'drainHome' },
  moveUser: { needs: 'operate', operation: 'moveUser' },
  setNotBefore: { needs: 'operate', operation: 'setNotBefore' },
  listDeliveries: { needs: 'operate', operation: 'listDeliveries' },
  replayDeliveries: { needs: 'operate', operation: 'replayDeliveries' },
  listAuditEvents: { needs: 'operate', operation: 'listAuditEvents' },
  listSigningKeys: { needs: 'operate', operation: 'listSigningKeys' },
  stats: { needs: 'operate', operation: 'stats' },
  listSuspicious: { needs: 'manage_all' },
  revokeSigningKeys: { needs: 'operate', operation: 'revokeSigningKeys' },
};
