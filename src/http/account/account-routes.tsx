/**
 * Pages for people, rendered here and complete without JavaScript. They act with the session's
 * cookie, so a form counts only when this very page sent it (ASVS 3.5.1): fetch metadata and Origin
 * say so, and no other origin is allowed.
 */

import type { Service } from '../../service/service';
import type { AppEnv } from '../context';
import { Hono } from '../hono';
import { showAccounts, signOutAccount, switchHere } from './account-list';
import { icon, stylesheet } from './assets';
import {
  answer,
  nameDevice,
  ownForm,
  signOutEverywhere,
  signOutHere,
  signOutOne,
  signOutOthers,
} from './forms';
import { type Pages, setPageHeaders } from './pages';
import { answerByMail, askByMail } from './review';
import {
  askSignOutOthers,
  showActivity,
  showDevice,
  showDevices,
  showNotYou,
  showSignedOut,
} from './show-pages';

export function accountRoutes(service: Service, pages: Pages): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.use(async function pageHeaders(c, next) {
    await next();
    setPageHeaders(c.res.headers, pages.policyFor());
  });

  routes.get('/style.css', stylesheet(pages));
  routes.get('/icon.svg', icon(service));
  routes.get('/', showDevices(service, pages));
  routes.get('/accounts', showAccounts(service, pages));
  routes.get('/activity', showActivity(service, pages));
  routes.get('/sessions/:id', showDevice(service, pages));
  routes.get('/sign-out-others', askSignOutOthers(service, pages));
  routes.get('/review', askByMail(service, pages));
  routes.get('/not-you', showNotYou(service, pages));
  routes.get('/signed-out', showSignedOut(pages));

  const isOwnForm = ownForm(service.config);
  routes.post('/sessions/:id/sign-out', isOwnForm, signOutOne(service, pages));
  routes.post('/sessions/:id/name', isOwnForm, nameDevice(service, pages));
  routes.post('/accounts/:index/switch', isOwnForm, switchHere(service, pages));
  routes.post('/accounts/:index/sign-out', isOwnForm, signOutAccount(service, pages));
  routes.post('/sign-out-others', isOwnForm, signOutOthers(service, pages));
  routes.post('/events/:id/:answer{yes|no}', isOwnForm, answer(service, pages));
  routes.post('/review', isOwnForm, answerByMail(service, pages));
  routes.post('/sign-out-everywhere', isOwnForm, signOutEverywhere(service, pages));
  routes.post('/sign-out', isOwnForm, signOutHere(service, pages));
  return routes;
}
