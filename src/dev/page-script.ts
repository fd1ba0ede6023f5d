/**
 * What runs in the page at `/` under `npm start`. Without it, the buttons that it is for are
 * hidden.
 */
export const PAGE_SCRIPT = `for (const button of document.querySelectorAll('button[data-copy]')) {
  button.hidden = false;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(button.parentElement.querySelector('pre').textContent);
    button.textContent = 'Copied';
    setTimeout(() => { button.textContent = 'Copy'; }, 2000);
  });
}

/** Makes a call, and returns what the service says that it did with it, as HTML. */
async function tell([who, method, path], address) {
  const response = await fetch(path, { method, headers: { 'X-Requested-With': 'fetch' } });
  const request = response.headers.get('X-Request-Id') ?? '';
  const query = new URLSearchParams({ who, path, request, status: response.status });
  return (await fetch(address + '?' + query)).text();
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
    } catch {
      button.parentElement.querySelector('.answers').textContent =
        'There was no answer. Is npm start still running?';
    } finally {
      for (const each of buttons) each.ariaDisabled = 'false';
    }
  });
}
`;
