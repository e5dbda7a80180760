import { createLocalJWKSet, jwtVerify } from 'jose';
import t from 'tap';
import type { TokenPair } from '../../src/app/tokens/mint-pair.ts';
import { KEY_ALGORITHMS } from '../../src/domain/key-set.ts';
import { claimsOf, headerOf } from '../support/forge.ts';
import { sharedKeys, someKeySet } from '../support/key-set.ts';
import { createMemoryStores } from '../support/memory/session-store.ts';
import { outcome, POLICY, type Settings, sessionUseCases, someKey, someKeys } from '../support/sessions.ts';

const MINUTE = 60_000;

type Service = Awaited<ReturnType<typeof sessionUseCases>>;

/** Whether the service accepts an access token. */
async function accepts(service: Service, { access }: TokenPair): Promise<boolean> {
  const { codec, time, policy } = service;
  return codec.verifyAccess(access, time.now, policy.clockSkew).then(
    () => true,
    () => false,
  );
}

/** Whether a resource server with only the published keys accepts an access token. */
async function resourceServerAccepts(service: Service, { access }: TokenPair): Promise<boolean> {
  const keys = createLocalJWKSet({ keys: service.publishedKeys().map((key) => ({ ...key })) });
  const options = {
    issuer: 'kinship',
    audience: 'kinship',
    typ: 'at+jwt',
    currentDate: new Date(service.time.now),
  };
  return jwtVerify(access, keys, options).then(
    () => true,
    () => false,
  );
}

const kidOf = ({ access }: TokenPair) => String(headerOf(access).kid);

/** A service with a new key set. `settings` can give it existing stores and keys. */
async function serviceOn(alg: (typeof KEY_ALGORITHMS)[number], settings: Settings = {}) {
  const set = await someKeySet(alg);
  const { keySet, publishedKeys, time } = set;
  const service = await sessionUseCases({ keySet, publishedKeys, time, ...settings });
  return { set, service };
}

for (const alg of KEY_ALGORITHMS) {
  t.test(`${alg}: the published keys verify access tokens, but no refresh token`, async (t) => {
    const { service } = await serviceOn(alg);
    const first = await service.logIn();
    const pair = await service.refresh(first);
    const [published] = service.publishedKeys();
    t.match(headerOf(pair.access), { alg, typ: 'at+jwt', kid: published?.kid });
    t.match(headerOf(pair.refresh), { alg: 'HS512', kid: 'refresh-1' });
    t.ok((await accepts(service, pair)) && (await resourceServerAccepts(service, pair)));
    service.time.now += POLICY.accessTokenAge;
    t.notOk(
      (await accepts(service, pair)) || (await resourceServerAccepts(service, pair)),
      'an expired access token is refused',
    );
    t.type((await service.refresh(pair)).access, 'string', 'an expired access token can still be refreshed');
  });

  t.test(`${alg}: a retry gets the same pair, also across a rotation of keys`, async (t) => {
    const { set, service } = await serviceOn(alg);
    const first = await service.logIn();
    const second = await service.refresh(first, { key: 'try-1' });
    await set.rotate(true);
    await set.maintain();
    const again = await service.refresh(first, { key: 'try-1' });
    t.equal(kidOf(again), kidOf(second), 'signed by the key of the first answer');
    t.ok(await resourceServerAccepts(service, again));
    if (alg === 'ES256') t.not(again.access, second.access, 'two ECDSA signatures of one text differ');
    else t.same(again, second, 'byte for byte');

    service.time.now += 24 * 60 * MINUTE;
    await set.maintain();
    const late = await service.refresh(first, { key: 'try-1' });
    t.not(kidOf(late), kidOf(second), 'that key was removed');
    for (const half of ['access', 'refresh'] as const) {
      const { at_hash: _, ...claims } = claimsOf(late[half]);
      t.match(claims, { ...claimsOf(second[half]), at_hash: undefined }, `the same ${half} token otherwise`);
    }
    t.equal(claimsOf(late.refresh).at_hash, service.codec.accessHash(late.access));
    t.equal(
      await outcome(service.refresh({ ...late, access: second.access })),
      'invalid_token',
      'halves of two answers are refused',
    );
    t.type((await service.refresh(late)).access, 'string', 'the unmixed pair is accepted');
  });
}

t.test('a key is announced, signs, is retired and is removed', async (t) => {
  const { set, service } = await serviceOn('EdDSA');
  const kids = () => service.publishedKeys().map(({ kid }) => kid);
  const first = await service.logIn();
  const { key, isNew } = (await set.rotate(false)) ?? {};
  t.ok(isNew);
  t.match(await set.rotate(false), { key: { id: key?.id }, isNew: false }, 'one key is announced at a time');
  await set.maintain();
  t.same(kids(), [kidOf(first), key?.id], 'both are published');

  service.time.now += set.timing.announce - 1;
  const last = await service.logIn();
  t.equal(kidOf(last), kidOf(first), 'the new key does not sign before its time');
  service.time.now += 1;
  t.equal(kidOf(await service.logIn()), key?.id, 'the new key signs without another read of the set');

  service.time.now += POLICY.accessTokenAge - 1_000;
  t.ok(
    (await accepts(service, last)) && (await resourceServerAccepts(service, last)),
    'the token is accepted until its last second',
  );
  service.time.now += set.timing.outlast - POLICY.accessTokenAge + 1_000;
  t.same(kids(), [key?.id], 'the retired key is no longer published');
  await set.maintain();
  t.equal((await set.shared.signingKeys.list()).length, 1, 'the retired key was removed from the store');
});

t.test('removing a leaked key ends no session', async (t) => {
  const { set, service } = await serviceOn('RS256');
  const pair = await service.logIn();
  const { key: announced } = (await set.rotate(false)) ?? {};
  const retired = await set.retire(kidOf(pair));
  const successor = typeof retired === 'object' ? retired.successor : null;
  t.not(successor?.id, announced?.id, 'a new key replaces it');
  await set.maintain();
  t.notOk((await accepts(service, pair)) || (await resourceServerAccepts(service, pair)));
  const next = await service.refresh(pair);
  t.equal(kidOf(next), successor?.id);
  t.ok(await accepts(service, next));

  t.match(
    await set.retire(String(announced?.id)),
    { successor: null },
    'the removal of a key that does not sign leaves no gap',
  );
  t.equal(await set.retire('nobody'), 'unknown');
});

t.test('a signing key whose successor was not stored is not removed', async (t) => {
  const shared = sharedKeys();
  const { add, list } = shared.signingKeys;
  // Another process stores the next key first.
  const losing = {
    ...shared.signingKeys,
    add: async (...key: Parameters<typeof add>) => (await list()).length === 0 && add(...key),
  };
  const { retire, ring } = await someKeySet('EdDSA', { ...shared, signingKeys: losing });
  t.equal(await retire(ring.current().id), 'changed');
  t.equal((await list()).length, 1);
});

t.test('other replicas accept the tokens of a key that signs at once', async (t) => {
  const shared = sharedKeys();
  const stores = createMemoryStores();
  const keys = someKeys();
  const [one, other] = [await someKeySet('EdDSA', shared), await someKeySet('EdDSA', shared)];
  const service = await sessionUseCases({ ...one, stores, keys });
  const elsewhere = await sessionUseCases({ ...other, stores, keys });
  await one.rotate(true);
  await one.maintain();
  const pair = await service.logIn();
  t.not(kidOf(pair), other.ring.current().id);
  t.ok(await accepts(elsewhere, pair));
});

t.test('a change of the algorithm ends no session and no access token', async (t) => {
  const stores = createMemoryStores();
  const keys = someKeys();
  const shared = sharedKeys();
  const set = await someKeySet('EdDSA', shared);
  const { time } = shared;
  const hmac = await sessionUseCases({ stores, keys, time });
  const eddsa = await sessionUseCases({ ...set, stores, keys });
  // After the change back, the keys of the set still verify the remaining tokens.
  const back = await sessionUseCases({ stores, keys, time, keySet: { signs: false, ring: set.ring } });

  const first = await hmac.logIn();
  const second = await hmac.refresh(first, { key: 'try-1' });
  t.ok(await accepts(eddsa, second));
  t.same(
    await eddsa.refresh(first, { key: 'try-1' }),
    second,
    'a retry gets the same pair, with the algorithm of the first answer',
  );
  const third = await eddsa.refresh(second);
  t.equal(headerOf(third.access).alg, 'EdDSA');
  t.ok(await accepts(back, third));
  const fourth = await back.refresh(third);
  t.equal(headerOf(fourth.access).alg, 'HS512');

  const es256 = await someKeySet('ES256', shared);
  const changed = await sessionUseCases({ ...es256, stores, keys });
  const fifth = await changed.refresh(fourth);
  t.equal(
    headerOf(fifth.access).alg,
    'EdDSA',
    'a change between asymmetric algorithms announces the new key first',
  );
  time.now += es256.timing.announce;
  const sixth = await changed.refresh(fifth);
  t.equal(headerOf(sixth.access).alg, 'ES256');
  t.ok((await accepts(changed, fifth)) && (await accepts(changed, sixth)));
});

t.test('secret keys can be changed in two steps, one replica after another', async (t) => {
  const stores = createMemoryStores();
  const common = someKeys();
  const [older] = common.accessKeys;
  const [first, second] = [older ?? someKey('access-1'), someKey('access-2')];
  const replica = (...accessKeys: (typeof first)[]) =>
    sessionUseCases({ stores, keys: { ...common, accessKeys } });
  const steps = [[first], [first, second], [second, first], [second]];
  const replicas = await Promise.all(steps.map((accessKeys) => replica(...accessKeys)));
  const pairs = await Promise.all(replicas.map((service) => service.logIn()));
  t.same(pairs.map(kidOf), ['access-1', 'access-1', 'access-2', 'access-2'], 'the first of the list signs');

  for (const [step, service] of replicas.entries()) {
    for (const [other, pair] of pairs.entries()) {
      // A replica must accept tokens of replicas that are one step ahead or behind.
      if (Math.abs(step - other) > 1) continue;
      t.ok(await accepts(service, pair), `step ${step} takes what step ${other} made`);
    }
  }
  const [atOnce] = replicas;
  t.notOk(
    atOnce === undefined || pairs[2] === undefined || (await accepts(atOnce, pairs[2])),
    'with one step a replica would refuse valid tokens',
  );
});
