/**
 * What runs in the page. The access token is in the client's memory, and goes to the API; the
 * refresh token is in a cookie that no script reads.
 */
import { createSessionClient } from 'edge-sessions/browser';

const { issuer = '', api = '' } = document.documentElement.dataset;
const session = createSessionClient({ mode: 'memory', baseUrl: issuer, resources: [api] });

const at = (id: string) => document.getElementById(id) as HTMLElement;
const showState = () => {
  at('state').textContent = session.session;
};
session.onChange(showState);
showState();

at('load').onclick = async () => {
  const response = await session.fetch(`${api}/me`);
  at('answer').textContent = `${response.status} ${await response.text()}`;
};
at('sign-out').onclick = () => session.signOut();
