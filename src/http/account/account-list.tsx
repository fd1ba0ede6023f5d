/** The accounts of a browser: which one is current, and how to switch or to sign out of one. */
import { personOf } from '../../calls/account-view';
import { type Account, readAccounts } from '../../service/browser-accounts';
import type { Service } from '../../service/service';
import { ACCOUNTS } from '../../tokens/session-cookie';
import { cookieCallerOf, verifyHeld } from '../browser/cookie-session';
import { accountsSent, setCurrent } from '../browser/cookies';
import { signOutOf } from '../browser/leave-session';
import type { AppContext } from '../context';
import { ProblemError } from '../errors';
import { cookieSessionEnded, toCookieProblem } from '../refusals';
import { Layout, type Site } from './layout';
import { type Pages, render } from './pages';
import { clean } from './texts/clean';
import { fillText } from './texts/fill';

export function showAccounts(service: Service, { siteOf }: Pages) {
  return async function accounts(c: AppContext): Promise<Response> {
    const held = await verifyHeld(c, service);
    const read = await readAccounts(c.get('caller'), service, held);
    if (!read.ok) throw toCookieProblem(read.refusal);
    if (read.accounts.length === 0) throw cookieSessionEnded(null);
    // Other pages link to this one where there are other accounts; this one need not.
    const site = { ...(await siteOf(c)), hasOtherAccounts: false };
    const { texts, link } = site;
    return render(
      c,
      <Layout site={site} title={texts.accountsTitle}>
        <h1>{texts.accountsTitle}</h1>
        <p class="lead">{texts.accountsLead}</p>
        <ul class="card log">
          {read.accounts.map((account) => (
            <AccountItem site={site} of={account} isCurrent={account.index === held.current} />
          ))}
        </ul>
        {read.accounts.some(({ index }) => index === held.current) && (
          <p class="row">
            <a class="button" href={link('/account')}>
              {texts.backToDevices}
            </a>
          </p>
        )}
      </Layout>,
    );
  };
}

const AccountItem = ({
  site: { texts, link, appName },
  of: { index, session },
  isCurrent,
}: {
  site: Site;
  of: Account;
  isCurrent: boolean;
}) => {
  const app = appName(session.clientId);
  const name = clean(personOf(session)) || (session.userId ?? texts.guest);
  return (
    <li>
      <div>
        <h2>
          <bdi>{name}</bdi>
        </h2>
        {app && (
          <p class="facts">
            <bdi>{app}</bdi>
          </p>
        )}
        {isCurrent && <span class="badge now">{texts.currentAccount}</span>}
      </div>
      <div class="row">
        {!isCurrent && (
          <form method="post" action={link(`/account/accounts/${index}/switch`)}>
            <button class="button" type="submit" aria-label={fillText(texts.switchTo, { name })}>
              {texts.switchAccount}
            </button>
          </form>
        )}
        <form method="post" action={link(`/account/accounts/${index}/sign-out`)}>
          <button
            class="button"
            type="submit"
            aria-label={fillText(texts.signOutDevice, { device: name })}
          >
            {texts.signOut}
          </button>
        </form>
      </div>
    </li>
  );
};

/** Makes an account current. One whose session is over is refused. */
export function switchHere(service: Service, { link }: Pages) {
  return async function switchAccount(c: AppContext): Promise<Response> {
    const index = readIndex(c);
    await cookieCallerOf(c, service, index);
    setCurrent(c, index);
    return c.redirect(link(c, '/account'), 303);
  };
}

export function signOutAccount(service: Service, { link }: Pages) {
  return async function signOut(c: AppContext): Promise<Response> {
    const index = readIndex(c);
    await signOutOf(c, service, index);
    const areOthers = accountsSent(c).some((other) => other !== index);
    return c.redirect(link(c, areOthers ? '/account/accounts' : '/account/signed-out'), 303);
  };
}

function readIndex(c: AppContext): number {
  const index = ACCOUNTS.find((each) => `${each}` === c.req.param('index'));
  if (index === undefined) throw new ProblemError('not_found');
  return index;
}
