/** Pages for whoever is not let in, and for what could not be done. */
import type { Refusal } from '../client/rpc';
import { Alone, BASE, Frame, type Viewer } from './frame';
import type { Rejection } from './operator';

export const NotConfigured = ({ mistakes }: { mistakes: readonly string[] }) => (
  <Alone title="The console is not set up">
    <p class="lead">Until it is, it shows nothing to anyone. What its Worker needs:</p>
    <ul>
      {mistakes.map((mistake) => (
        <li>{mistake}</li>
      ))}
    </ul>
    <p class="soft small">docs/console.md has every variable.</p>
  </Alone>
);

const SENTENCES: Record<Rejection, [title: string, lead: string]> = {
  not_signed_in: ['You are not signed in', 'Sign in as an operator to see the console.'],
  not_an_operator: [
    'You are not an operator',
    'Whoever runs this service can let you in. You are signed in, and stay so.',
  ],
  support_staff: [
    'Not in somebody else’s session',
    'This session is one of support staff who act as the person. Sign in as yourself.',
  ],
  stale: [
    'Prove who you are once more',
    'It is too long ago that you did, or it was not by the means that the console asks for.',
  ],
  unavailable: [
    'That cannot be told right now',
    'The service, or the keys that logins are verified by, did not answer. Try again in a moment.',
  ],
};

export const NotLetIn = ({ why, proveUrl }: { why: Rejection; proveUrl: string | null }) => {
  const [title, lead] = SENTENCES[why];
  const isHelped = why === 'not_signed_in' || why === 'stale';
  return (
    <Alone title={title}>
      <p class="lead">{lead}</p>
      {isHelped && proveUrl !== null && (
        <p class="row">
          <a class="button primary" href={proveUrl}>
            Sign in
          </a>
        </p>
      )}
      {why === 'unavailable' && (
        <p class="row">
          <a class="button" href={BASE}>
            Try again
          </a>
        </p>
      )}
    </Alone>
  );
};

/** The answer to a form that was refused. Nothing was done. */
export const NotDone = ({ title, lead }: { title: string; lead: string }) => (
  <Alone title={title}>
    <p class="lead">{lead}</p>
    <Back />
  </Alone>
);

const Back = () => (
  <p class="row">
    <a class="button" href={BASE}>
      Back to the console
    </a>
  </p>
);

/**
 * The answer where the service refused a call, or could not do it. Other pages may work all the
 * same.
 */
export const NotAnswered = ({ viewer, refusal }: { viewer: Viewer; refusal: Refusal }) => {
  const { code, request_id: requestId } = refusal;
  const [title, lead] = toSentences(refusal);
  return (
    <Frame viewer={viewer} title={title} section={null}>
      <h1>{title}</h1>
      <p class="lead">{lead}</p>
      <p class="soft small">
        <code>{code}</code>, request <code>{requestId}</code>
      </p>
    </Frame>
  );
};

function toSentences({ code, homes, detail }: Refusal): [title: string, lead: string] {
  switch (code) {
    case 'temporarily_unavailable':
      return [
        'A database did not answer',
        homes === undefined
          ? 'Try again in a moment. What was asked for may be done in part, and is safe to repeat.'
          : `Homes that did not answer: ${homes.join(', ')}. What was asked for may be done in the others, and is safe to repeat.`,
      ];
    case 'too_many_requests':
      return ['Too much at once', 'The service brakes. Try again in a minute.'];
    case 'invalid_client':
    case 'client_not_allowed':
      return [
        'The console may not do this',
        `${detail ?? ''}. The console’s entry in CLIENTS of the service says what it may (docs/console.md).`,
      ];
    // The service may be a later release, with codes that this console does not know.
    default:
      return ['That did not work', detail ?? 'The service refused it.'];
  }
}
