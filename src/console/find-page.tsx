/** Finding a person, or a session, by what the operator was told. */
import { BASE, Frame, type Viewer } from './frame';

export const FindPage = ({
  viewer,
  asked = {},
  problem = null,
}: {
  viewer: Viewer;
  /** The names that were searched for, when nothing was found. */
  asked?: { id?: string; issuer?: string; subject?: string };
  problem?: string | null;
}) => (
  <Frame viewer={viewer} title="People and sessions" section="/find">
    <h1>People and sessions</h1>
    <p class="lead">Find somebody to see where they are signed in, and what happened there.</p>
    {problem !== null && (
      <p class="note warn" role="alert">
        {problem}
      </p>
    )}
    <h2>By id</h2>
    <form action={`${BASE}/find`} class="fields">
      <label class="wide">
        Id of a user, of a session, or of a guest’s session
        <input name="id" required autocomplete="off" value={asked.id} />
      </label>
      <button type="submit" class="button primary">
        Find
      </button>
    </form>
    <h2>By what an identity provider calls them</h2>
    <form action={`${BASE}/find`} class="fields">
      <label class="wide">
        Issuer
        <input
          name="issuer"
          type="url"
          required
          autocomplete="off"
          placeholder="https://id.example.com"
          value={asked.issuer}
        />
      </label>
      <label class="wide">
        Subject
        <input name="subject" required autocomplete="off" value={asked.subject} />
      </label>
      <button type="submit" class="button primary">
        Find
      </button>
    </form>
  </Frame>
);
