/**
 * The checks of every request that acts, after the login: it comes from a page of this console, its
 * form was made for this very login, and the operator proved a short while ago who they are.
 */
import { getCookie } from 'hono/cookie';
import { isReason, MAX_NOTE_LENGTH, type Reason } from './acting';
import { type ConsoleContext, show } from './console-context';
import { FORM_COOKIE, isFormToken } from './form-token';
import { isOfOwnPage } from './own-page';
import { NotDone } from './refusal-pages';

/** The form of a request that acts, or the answer to one that is refused. */
export type ActRequest =
  | { ok: true; form: URLSearchParams; reason: Reason; note: string | null }
  | { ok: false; response: Response };

const MAX_FORM_BYTES = 4096;

export async function readAct(c: ConsoleContext): Promise<ActRequest> {
  const refuse = (status: 400 | 401 | 403, title: string, lead: string): ActRequest => ({
    ok: false,
    response: show(c, <NotDone title={title} lead={lead} />, status),
  });
  if (!isOfOwnPage(c.req.raw))
    return refuse(403, 'Not from here', 'Another site sent this form. Nothing was done.');
  const form = await readForm(c.req.raw);
  if (form === null) return refuse(400, 'That form cannot be read', 'Nothing was done.');
  const key = getCookie(c, FORM_COOKIE) ?? '';
  if (!(await isFormToken(form.get('token') ?? '', key, c.get('operator').login)))
    return refuse(
      403,
      'That form is out of date',
      'You have signed in anew since it was shown. Nothing was done: open it once more.',
    );
  if (!c.get('viewer').mayAct)
    return refuse(
      401,
      'Prove who you are once more',
      'It is some time since you did. Nothing was done: sign in again, and come back.',
    );
  const reason = form.get('reason') ?? '';
  if (!isReason(reason)) return refuse(400, 'A reason is missing', 'Nothing was done: choose one.');
  const note = (form.get('note') ?? '').trim();
  if (note.length > MAX_NOTE_LENGTH)
    return refuse(400, 'The note is too long', `It may have ${MAX_NOTE_LENGTH} characters.`);
  return { ok: true, form, reason, note: note === '' ? null : note };
}

/** null: it is no form, or a larger one than the console has. */
async function readForm(request: Request): Promise<URLSearchParams | null> {
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/x-www-form-urlencoded') return null;
  if (Number(request.headers.get('content-length') ?? 0) > MAX_FORM_BYTES) return null;
  const text = await request.text();
  return text.length > MAX_FORM_BYTES ? null : new URLSearchParams(text);
}
