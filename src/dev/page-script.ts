/**
 * The script of the page at `/` under `npm start`. Without it, the buttons that it is for are
 * hidden.
 */
export const PAGE_SCRIPT = `for (const button of document.querySelectorAll('button[data-copy]')) {
  button.hidden = false;
  button.addEventListener('click', async () => {
    const code = button.parentElement.querySelector('pre');
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = 'Copied';
    } catch {
      // A browser may not let pages write there: then it is one key away.
      getSelection().selectAllChildren(code);
      button.textContent = 'Not allowed: the code is selected, copy it';
    }
    setTimeout(() => { button.textContent = 'Copy'; }, 2000);
  });
}

/** Makes a call, and returns what the service says that it did with it, as HTML. */
async function tell([who, method, path], address) {
  const response = await fetch(path, { method, headers: { 'X-Requested-With': 'fetch' } });
  const request = response.headers.get('X-Request-Id') ?? '';
  const query = new URLSearchParams({ who, path, request, status: response.status });
  const told = await fetch(address + '?' + query);
  if (!told.ok) throw new Error('no answer about the answer: ' + told.status);
  return told.text();
}

/** Shows the session and its tokens as they are by now. */
async function refreshState() {
  const page = await (await fetch(location.pathname)).text();
  const now = new DOMParser().parseFromString(page, 'text/html');
  for (const id of ['state', 'tokens'])
    document.getElementById(id).replaceChildren(...now.getElementById(id).childNodes);
}

const wait = (seconds) => new Promise((over) => setTimeout(over, seconds * 1000));

async function run(button) {
  const answers = button.parentElement.querySelector('.answers');
  const address = button.closest('[data-answers]').dataset.answers;
  answers.replaceChildren();
  for (const round of JSON.parse(button.dataset.rounds)) {
    if (Array.isArray(round)) {
      const told = await Promise.all(round.map((call) => tell(call, address)));
      answers.insertAdjacentHTML('beforeend', told.join(''));
      continue;
    }
    const pause = document.createElement('p');
    pause.textContent = 'Waiting ' + round.seconds + ' seconds, ' + round.text;
    answers.append(pause);
    await wait(round.seconds);
    pause.remove();
  }
}

const buttons = [...document.querySelectorAll('button[data-rounds]')];

for (const button of buttons) {
  button.hidden = false;
  button.addEventListener('click', async () => {
    if (button.ariaDisabled === 'true') return;
    // One after the other, and the keyboard stays where it is, which "disabled" would not let it.
    for (const each of buttons) each.ariaDisabled = 'true';
    try {
      await run(button);
      await refreshState();
    } catch {
      button.parentElement.querySelector('.answers').textContent =
        'There was no answer. Is npm start still running?';
    } finally {
      for (const each of buttons) each.ariaDisabled = 'false';
    }
  });
}
`;
