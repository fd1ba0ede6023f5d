/** Forms by which an operator does something: each says what, and asks why. */
import type { Child } from '#jsx/jsx-runtime';
import type { Act } from '../client/rpc';
import type { Viewer } from './frame';

/** The short list of the service, in the words of operators. */
export const REASONS: Record<NonNullable<Act['reason']>, string> = {
  user_request: 'The person asked for it',
  credential_compromised: 'Their password or device is compromised',
  password_changed: 'They changed their password',
  account_disabled: 'Their account is disabled',
  administrator: 'Another reason of ours',
};

export type Reason = keyof typeof REASONS;

export const isReason = (text: string): text is Reason => Object.hasOwn(REASONS, text);

/** The longest note that the service takes. */
export const MAX_NOTE_LENGTH = 200;

interface ActFormProps {
  viewer: Viewer;
  /** The path that the form is sent to. */
  action: string;
  /** The page to go back to for an operator who decides against the act. */
  back: string;
  button: string;
  isDangerous?: boolean;
  /** Hidden fields. */
  fields?: Record<string, string>;
}

export const ActForm = ({
  viewer,
  action,
  back,
  button,
  isDangerous,
  fields = {},
}: ActFormProps) =>
  viewer.mayAct ? (
    <form method="post" action={action} class="stack">
      <input type="hidden" name="token" value={viewer.formToken} />
      {Object.entries(fields).map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
      <label>
        Reason
        <select name="reason" required>
          <option value="">Choose one</option>
          {Object.entries(REASONS).map(([value, text]) => (
            <option value={value}>{text}</option>
          ))}
        </select>
      </label>
      <label>
        Note
        <input name="note" maxlength={MAX_NOTE_LENGTH} autocomplete="off" />
        <small>Optional. In the audit log, with your name.</small>
      </label>
      <div class="row">
        <button type="submit" class={isDangerous ? 'button danger' : 'button primary'}>
          {button}
        </button>
        <a class="button" href={back}>
          Cancel
        </a>
      </div>
    </form>
  ) : (
    <ProveFirst viewer={viewer} />
  );

/** To look, and to act, are different things: the second asks for a fresher proof. */
export const ProveFirst = ({ viewer }: { viewer: Viewer }) => (
  <div class="note warn">
    <p>To do this, prove once more who you are. It is some time since you did.</p>
    {viewer.proveUrl && (
      <p class="row">
        <a class="button" href={viewer.proveUrl}>
          Sign in again
        </a>
      </p>
    )}
  </div>
);

/** Says what was done, once the page is there again. */
export const Done = ({ children }: { children: Child }) => (
  <p class="note ok" role="status">
    {children}
  </p>
);
