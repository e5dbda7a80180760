import { randomUUID } from 'node:crypto';
import t from 'tap';
import { createDatabaseKeySource } from '../../src/adapters/jose/database-key-source.ts';
import { createSealedKeys } from '../../src/adapters/jose/sealed-keys.ts';
import { maintainKeySet } from '../../src/app/keys/maintain-key-set.ts';
import { keySetTiming } from '../../src/domain/key-set.ts';
import { NOW } from '../support/families.ts';
import { SILENT_LOG } from '../support/key-set.ts';
import { createMemorySigningKeys } from '../support/memory/signing-keys.ts';
import { POLICY, someKey } from '../support/sessions.ts';

const encryptionKeys = [someKey('seal-1')];
const timing = keySetTiming(POLICY, { maxAge: 300_000, rotateAfter: null });

/** A replica that has made the first key of an empty database. */
async function startReplica() {
  const signingKeys = createMemorySigningKeys();
  const time = { now: NOW };
  const { make, check } = createSealedKeys(encryptionKeys);
  let reads: Promise<unknown> = Promise.resolve();
  const options = { timing, clock: () => time.now, log: SILENT_LOG };
  const deps = { ...options, newId: randomUUID, signingKeys, makeKey: make, checkKey: check };
  const source = createDatabaseKeySource({
    ...options,
    encryptionKeys,
    async list() {
      const keys = await signingKeys.list();
      await reads;
      return keys;
    },
    maintain: maintainKeySet({ ...deps, alg: 'EdDSA' }),
  });
  await source.start();
  return {
    signingKeys,
    time,
    source,
    /** Delays the answers of `list` until the returned function is called. */
    delayReads(): () => void {
      let release = () => {};
      reads = new Promise<void>((resolve) => {
        release = resolve;
      });
      return () => release();
    },
    addKey: async (sealing = encryptionKeys) => {
      const schedule = { number: 2, announcedAt: time.now, signsFrom: time.now + timing.announce };
      const key = await createSealedKeys(sealing).make('EdDSA', schedule);
      await signingKeys.add(key, []);
      return key;
    },
  };
}

t.test('a key that this replica cannot unseal does not replace the signing key', async (t) => {
  const { source, signingKeys, time, addKey } = await startReplica();
  const first = source.set.current();
  const foreign = await addKey([someKey('of another service')]);
  time.now = foreign.signsFrom + timing.outlast + 1;
  await source.maintain();
  t.equal(source.set.current().id, first.id);
  t.same(
    (await signingKeys.list()).map(({ id }) => id),
    [first.id, foreign.id],
  );
});

t.test('a slow read from before an announcement does not remove the announced key', async (t) => {
  const { source, delayReads, addKey } = await startReplica();
  const release = delayReads();
  const slow = source.set.fetchUnknownKey('an id that a client made up');
  await new Promise((resolve) => setImmediate(resolve));
  const { id } = await addKey();
  const maintained = source.maintain();
  release();
  await Promise.all([slow, maintained]);
  t.ok(source.set.find(id));
  await source.maintain();
  t.ok(source.set.find(id), 'the announced key stays');
});
