/** The page for people, "Your devices". It is written for eyes; its addresses are not an API. */
import * as v from 'valibot';
import { label, uuid } from '../calls/fields';
import { EXAMPLE } from './examples';
import { form, type OperationGroup, type Parameter, type ProblemOperation } from './operation';

const html = (description: string) => ({
  200: { description, content: { 'text/html': v.string() } },
});
const goesOn = { 303: { description: 'Done.', headers: ['Location'] } };
const LANGUAGE: Parameter = {
  name: 'lang',
  schema: v.string(),
  description: 'The language, if not what the browser asks for.',
};
const BEFORE: Parameter = { name: 'before', schema: v.string(), description: 'Older than this.' };
const ID: Parameter = { name: 'id', schema: uuid, isRequired: true };
const INDEX: Parameter = {
  name: 'index',
  schema: v.picklist(['0', '1', '2', '3', '4']),
  isRequired: true,
};
const EVENT_ID: Parameter = { ...ID, description: 'Of an event.', example: EXAMPLE.event_id };

const refusals = [
  'invalid_request',
  'session_ended',
  'ambiguous_cookie',
  'too_many_requests',
] as const;
const page = { security: 'cookie', refusalForm: 'page' } as const;
const ofForm = [...refusals, 'cross_site_request'] as const;
const ending = [...ofForm, 'insufficient_user_authentication', 'actor_not_allowed'] as const;
const nothing = form(v.objectWithRest({ lang: v.optional(v.string()) }, v.unknown()), {});

const pages: readonly ProblemOperation[] = [
  {
    at: 'GET /account',
    id: 'showDevices',
    summary: 'Your devices',
    page: 'account-page.md',
    ...page,
    query: [{ name: 'done', schema: v.string() }, LANGUAGE],
    answers: html('The page.'),
    refusals,
  },
  {
    at: 'GET /account/accounts',
    id: 'showAccounts',
    summary: 'The accounts of this browser',
    page: 'accounts.md',
    ...page,
    query: [LANGUAGE],
    answers: html('The page.'),
    refusals: ['session_ended', 'too_many_requests'],
  },
  {
    at: 'GET /account/activity',
    id: 'showActivity',
    summary: 'Your activity',
    ...page,
    query: [BEFORE, LANGUAGE],
    answers: html('The page.'),
    refusals,
  },
  {
    at: 'GET /account/sessions/{id}',
    id: 'showDevice',
    summary: 'One device',
    ...page,
    path: [ID],
    query: [BEFORE, LANGUAGE],
    answers: html('The page.'),
    refusals: [...refusals, 'not_found'],
  },
  {
    at: 'GET /account/sign-out-others',
    id: 'askSignOutOthers',
    summary: 'Sign out everywhere else?',
    ...page,
    query: [LANGUAGE],
    answers: html('The page.'),
    refusals,
  },
  {
    at: 'GET /account/not-you',
    id: 'showNotYou',
    summary: 'What helps when it was not you',
    ...page,
    query: [LANGUAGE],
    answers: html('The page.'),
    refusals,
  },
  {
    at: 'GET /account/review',
    id: 'askByMail',
    summary: 'Was this you? By the link of a mail',
    ...page,
    security: 'none',
    query: [{ name: 'token', schema: v.string(), example: EXAMPLE.review_token }, LANGUAGE],
    answers: html('The page.'),
    refusals: ['invalid_request', 'invalid_code', 'too_many_requests'],
  },
  {
    at: 'GET /account/signed-out',
    id: 'showSignedOut',
    summary: 'You are signed out',
    ...page,
    security: 'none',
    query: [LANGUAGE],
    answers: {
      ...html('The page.'),
      303: { description: 'You are not: to your devices.', headers: ['Location'] },
    },
    refusals: ['invalid_request'],
    asksNoDatabase: true,
  },
  {
    at: 'GET /account/style.css',
    id: 'getStylesheet',
    summary: 'The stylesheet of the pages',
    ...page,
    security: 'none',
    query: [{ name: 'v', schema: v.string() }],
    answers: { 200: { description: 'CSS.', content: { 'text/css': v.string() } } },
    refusals: ['invalid_request'],
    asksNoDatabase: true,
  },
  {
    at: 'GET /account/icon.svg',
    id: 'getIcon',
    summary: 'The icon of the pages',
    ...page,
    security: 'none',
    answers: { 200: { description: 'SVG.', content: { 'image/svg+xml': v.string() } } },
    refusals: [],
    asksNoDatabase: true,
  },
];

const forms: readonly ProblemOperation[] = [
  {
    at: 'POST /account/sessions/{id}/sign-out',
    id: 'signOutDevice',
    summary: 'Sign out one device',
    ...page,
    path: [ID],
    body: nothing,
    answers: goesOn,
    refusals: [...ending, 'not_found'],
  },
  {
    at: 'POST /account/sessions/{id}/name',
    id: 'nameDevice',
    summary: 'Name a device',
    ...page,
    path: [ID],
    body: form(
      v.objectWithRest({ label: v.optional(v.union([label, v.literal('')])) }, v.unknown()),
      { label: 'My phone' },
    ),
    answers: goesOn,
    refusals: [...ofForm, 'actor_not_allowed', 'not_found'],
  },
  {
    at: 'POST /account/accounts/{index}/switch',
    id: 'switchAccountHere',
    summary: 'Switch to an account',
    ...page,
    path: [INDEX],
    body: nothing,
    answers: goesOn,
    refusals: [...ofForm, 'not_found'],
  },
  {
    at: 'POST /account/accounts/{index}/sign-out',
    id: 'signOutAccount',
    summary: 'Sign out an account',
    ...page,
    path: [INDEX],
    body: nothing,
    answers: goesOn,
    refusals: ['cross_site_request', 'not_found', 'too_many_requests'],
  },
  {
    at: 'POST /account/sign-out-others',
    id: 'signOutOthers',
    summary: 'Sign out everywhere else',
    ...page,
    body: nothing,
    answers: goesOn,
    refusals: ending,
  },
  {
    at: 'POST /account/sign-out-everywhere',
    id: 'signOutEverywhere',
    summary: 'Sign out everywhere',
    ...page,
    body: nothing,
    answers: goesOn,
    refusals: ending,
  },
  {
    at: 'POST /account/sign-out',
    id: 'signOut',
    summary: 'Sign out here',
    ...page,
    body: nothing,
    answers: goesOn,
    refusals: ofForm,
  },
  {
    at: 'POST /account/events/{id}/{answer}',
    id: 'answerEvent',
    summary: 'Was this you?',
    ...page,
    path: [EVENT_ID, { name: 'answer', schema: v.picklist(['yes', 'no']), isRequired: true }],
    body: nothing,
    answers: goesOn,
    refusals: [...ending, 'not_found'],
  },
  {
    at: 'POST /account/review',
    id: 'answerByMail',
    summary: 'Was this you? By the link of a mail',
    ...page,
    security: 'none',
    body: form(
      v.objectWithRest({ token: v.string(), answer: v.picklist(['yes', 'no']) }, v.unknown()),
      { token: EXAMPLE.review_token, answer: 'yes' },
    ),
    answers: html('What follows.'),
    refusals: ['invalid_request', 'invalid_code', 'cross_site_request', 'too_many_requests'],
  },
];

export const ofPages: OperationGroup = {
  tag: 'The page for people',
  description: '"Your devices": server-rendered, complete without script.',
  operations: [...pages, ...forms],
};
