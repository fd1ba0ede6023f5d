/** The keys that sign access tokens, and where each is in its life. */
import type { SigningKey } from '../client/rpc';
import { Frame, type Viewer } from './frame';
import { Badge, Table, Time } from './shown';

const STATES: Record<SigningKey['state'], { text: string; kind?: 'ok' | 'bad' }> = {
  waiting: { text: 'Published, signs soon' },
  signing: { text: 'Signs', kind: 'ok' },
  verifying: { text: 'Its tokens are still good' },
  retired: { text: 'Retired' },
  revoked: { text: 'Revoked', kind: 'bad' },
};

export const KeysPage = ({ viewer, keys }: { viewer: Viewer; keys: readonly SigningKey[] }) => (
  <Frame viewer={viewer} title="Signing keys" section="/keys">
    <h1>Signing keys</h1>
    <p class="lead">
      They rotate by themselves: the next one is published first, and the former stays while a token
      of it is good. One that leaked is withdrawn by <code>npm run keys</code>.
    </p>
    <h2>Keys</h2>
    <Table name="Signing keys" columns={['Key', 'State', 'Algorithm', 'Made', 'Signs from']}>
      {keys.map(({ kid, alg, state, created_at, activates_at }) => (
        <tr>
          <th scope="row">
            <span class="mono" title={kid}>
              {kid.slice(0, 12)}
            </span>
          </th>
          <td>
            <Badge {...STATES[state]} />
          </td>
          <td>{alg}</td>
          <td>
            <Time iso={created_at} now={viewer.now} />
          </td>
          <td>
            <Time iso={activates_at} now={viewer.now} />
          </td>
        </tr>
      ))}
    </Table>
  </Frame>
);
