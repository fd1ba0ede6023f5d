/** What runs in the page. The cookies do the rest: the script has no token to lose. */
import { createSessionClient } from 'edge-sessions/browser';

const session = createSessionClient({ mode: 'cookie', baseUrl: '/auth', resources: ['/api'] });

const at = (id: string) => document.getElementById(id) as HTMLElement;
const showState = () => {
  at('state').textContent = session.session;
};
session.onChange(showState);
showState();

async function ask(method: 'GET' | 'POST'): Promise<void> {
  const response = await session.fetch('/api/cart', { method });
  at('answer').textContent = `${response.status} ${await response.text()}`;
}
at('load').onclick = () => ask('GET');
at('add').onclick = () => ask('POST');
at('sign-out').onclick = () => session.signOut();
