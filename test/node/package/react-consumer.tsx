/** @jsxImportSource react */
/** An app of React and the server that renders it, by the package's own names. */
import { createSessionClient, type TokenSessionClient } from 'edge-sessions/browser';
import { SessionProvider, useSession } from 'edge-sessions/react';
import type { AccessTokenVerifier } from 'edge-sessions/verify';
import { renderToString } from 'react-dom/server';

const openSession = () =>
  createSessionClient({ mode: 'token', clientId: 'app', baseUrl: 'https://auth.example.com' });

function Account() {
  const { state, userId, claims, reason, client } = useSession<TokenSessionClient>();
  return (
    <button type="button" onClick={() => client.getAccessToken()}>
      {[state, userId, claims?.sid, reason].join(' ')}
    </button>
  );
}

export type PageSession = Awaited<ReturnType<AccessTokenVerifier['getSession']>>;

/** The page as HTML, with what the server knows of the session, or with nothing. */
export const render = (initial?: PageSession): string =>
  renderToString(
    <SessionProvider client={openSession} initial={initial}>
      <Account />
    </SessionProvider>,
  );

/** Without a provider above it. */
export const renderAlone = (): string => renderToString(<Account />);
