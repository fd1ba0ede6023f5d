/**
 * What runs in the page. Both tokens are in its memory, so a reload signs it out; an app that wants
 * more gives `storage` what its system keeps secrets in.
 */
import { createSessionClient } from 'edge-sessions/browser';

const { issuer = '', api = '' } = document.documentElement.dataset;
const session = createSessionClient({
  mode: 'token',
  clientId: 'app',
  baseUrl: issuer,
  resources: [api],
});

const at = (id: string) => document.getElementById(id) as HTMLElement;
const showState = () => {
  at('state').textContent = session.session;
};
session.onChange(showState);
showState();

at('sign-in').onclick = async () => {
  const response = await fetch('/sign-in', { method: 'POST' });
  if (response.ok) await session.start(await response.json());
};
at('load').onclick = async () => {
  const response = await session.fetch(`${api}/me`);
  at('answer').textContent = `${response.status} ${await response.text()}`;
};
at('sign-out').onclick = () => session.signOut();
