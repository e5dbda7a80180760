import { hkdfSync } from 'node:crypto';
import { CompactEncrypt, calculateJwkThumbprint, type JWK } from 'jose';
import t from 'tap';
import { createSealedKeys } from '../../src/adapters/jose/sealed-keys.ts';
import { KEY_ALGORITHMS } from '../../src/domain/key-set.ts';
import { makeKeyPair } from '../support/forge.ts';
import { someKey } from '../support/sessions.ts';

const turn = { number: 1, announcedAt: 0, signsFrom: 0 };

t.test(
  'a sealed key opens only with the encryption key that sealed it, and its header contains no key',
  async (t) => {
    const [older, newer] = [someKey('seal-1'), someKey('seal-2')];
    const before = createSealedKeys([older]);
    const after = createSealedKeys([newer, older]);
    for (const alg of KEY_ALGORITHMS) {
      const made = await before.make(alg, turn);
      const key = await after.open({ ...made, ...turn });
      t.match(key, { id: made.id, alg, publicKey: { kid: made.id, alg } });
      const [header = ''] = made.sealed.split('.');
      t.same(JSON.parse(Buffer.from(header, 'base64url').toString()), {
        alg: 'dir',
        enc: 'A256GCM',
        kid: 'seal-1',
        kinship_turn: [1, 0, 0],
      });
      const sealedAnew = await after.make(alg, turn);
      t.not(sealedAnew.id, made.id);
      await t.rejects(before.open({ ...sealedAnew, ...turn }), {
        name: 'UnusableKey',
        message: /cannot be opened/,
      });
    }
  },
);

t.test('a key whose row was changed is refused', async (t) => {
  const secret = someKey('seal-1');
  const keys = createSealedKeys([secret]);
  const [one, other] = [await keys.make('EdDSA', turn), await keys.make('EdDSA', turn)];
  const assertRefused = (row: Partial<typeof one>, message: RegExp) =>
    t.rejects(keys.open({ ...one, ...turn, ...row }), { name: 'UnusableKey', message });
  const flipped = one.sealed.slice(0, -1) + (one.sealed.endsWith('A') ? 'B' : 'A');
  await assertRefused({ sealed: `${flipped.slice(0, -4)}AAAA` }, /cannot be opened/);
  await assertRefused({ sealed: 'nonsense' }, /cannot be opened/);
  await assertRefused({ sealed: other.sealed }, /is not the key that the id of its row names/);
  await assertRefused({ id: other.id }, /is not the key that the id of its row names/);
  await assertRefused({ alg: 'RS256' }, /is incomplete or malformed/);
  for (const change of [{ number: 2 }, { announcedAt: 1 }, { signsFrom: 1 }])
    await assertRefused(change, /other times than those it was sealed with/);

  await assertRefused({ wasRemoved: true }, /was restored in the database/);

  // An attacker who can write to the database, and knows a key id, seals with another encryption key.
  const jwk = makeKeyPair('ed25519').privateKey.export({ format: 'jwk' });
  const forged = await new CompactEncrypt(Buffer.from(JSON.stringify(jwk)))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: 'seal-1' })
    .encrypt(someKey('theirs').bytes.subarray(0, 32));
  await assertRefused({ sealed: forged }, /cannot be opened/);
});

t.test('a key that an earlier release sealed can be opened', async (t) => {
  const secret = someKey('seal-1');
  const jwk = makeKeyPair('ed25519').privateKey.export({ format: 'jwk' });
  const key = new Uint8Array(hkdfSync('sha256', secret.bytes, '', 'kinship signing keys', 32));
  const sealed = await new CompactEncrypt(Buffer.from(JSON.stringify(jwk)))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: 'seal-1' })
    .encrypt(key);
  const id = await calculateJwkThumbprint(jwk as JWK);
  t.match(await createSealedKeys([secret]).open({ id, alg: 'EdDSA', sealed, ...turn }), { id, number: 1 });
});

t.test('no key is made without an encryption key', async (t) => {
  await t.rejects(createSealedKeys([]).make('EdDSA', turn), { message: /encryption key is needed/ });
});
