/** The first key, which all requests of an isolate that need it at once make together. */
import { expect, it } from 'vitest';
import { deriveKeyring } from '../../src/crypto';
import { createSharedKeyMaker, type Placement } from '../../src/tokens/key-material';
import { START } from '../fixtures';

const AT: Placement = { generation: 1, activatesAt: new Date(START), now: START };
const keyringOf = (secret: string) => deriveKeyring(secret, null);

it('is made once for one generation, and says when each of them needed it', async () => {
  const make = createSharedKeyMaker();
  const keyring = await keyringOf('a-session-secret-of-32-characters');
  const first = await make(keyring, 'ES256', AT);
  const again = await make(keyring, 'ES256', { ...AT, now: START + 1_000 });
  expect(again).toEqual({ ...first, createdAt: new Date(START + 1_000) });
});

it('is another one for another generation, algorithm or SESSION_SECRET', async () => {
  const make = createSharedKeyMaker();
  const keyring = await keyringOf('a-session-secret-of-32-characters');
  const first = await make(keyring, 'ES256', AT);
  const next = await make(keyring, 'ES256', { ...AT, generation: 2 });
  const ofOtherAlg = await make(keyring, 'EdDSA', { ...AT, generation: 2 });
  const ofOtherSecret = await make(
    await keyringOf('another-session-secret-of-32-characters'),
    'EdDSA',
    { ...AT, generation: 2 },
  );
  const all = [first, next, ofOtherAlg, ofOtherSecret];
  expect(new Set(all.map(({ kid }) => kid)).size).toBe(4);
  expect(ofOtherAlg.alg).toBe('EdDSA');
  expect(ofOtherSecret.secretId).not.toBe(first.secretId);
});
