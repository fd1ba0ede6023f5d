/**
 * The app's page: a client of the mode that the tab was given, also when it is loaded anew.
 * AUTH_ORIGIN and API_URL are put in where it is served.
 */
export const PAGE = `<!doctype html><title>My app</title><script type="module">
  import { createSessionClient, withAudience, withStepUp } from '/client.js';
  window.skewMs = 0;
  window.states = [];
  window.reasons = [];
  window.errors = [];
  window.failures = [];
  for (const type of ['error', 'unhandledrejection'])
    addEventListener(type, (event) => window.failures.push(String(event.reason ?? event.message)));
  window.openClient = (mode) => {
    sessionStorage.setItem('mode', mode);
    window.client = createSessionClient({
      mode, clientId: 'app', baseUrl: 'AUTH_ORIGIN', resources: ['AUTH_ORIGIN'],
      now: () => Date.now() + window.skewMs, timeoutMs: 1500,
      onError: (error) => window.errors.push(error.code ?? error.name),
    });
    window.client.onChange((state) => window.states.push(state));
    window.client.onSignedOut((reason) => window.reasons.push(reason));
  };
  window.withAudience = (audience) => withAudience(window.client, audience);
  window.withStepUp = (authenticate) => withStepUp(window.client, authenticate);
  window.call = async (times, url = 'API_URL') => {
    const statuses = [];
    for (let made = 0; made < times; made += 1)
      statuses.push((await window.client.fetch(url)).status);
    return statuses;
  };
  window.callAtOnce = (times, fetch = window.client.fetch) => Promise.all(
    Array.from({ length: times }, async () => (await fetch('API_URL')).status));
  window.beBusy = (ms) => setTimeout(() => {
    const end = performance.now() + ms;
    while (performance.now() < end);
  });
  const mode = sessionStorage.getItem('mode');
  if (mode) window.openClient(mode);
</script>`;
