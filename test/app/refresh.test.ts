import t from 'tap';
import { stepUp } from '../../src/app/sessions/step-up.ts';
import { BY_PASSWORD } from '../../src/domain/authentication.ts';
import type { Policy } from '../../src/domain/policy.ts';
import type { TokenFamily } from '../../src/domain/token-family.ts';
import { StoreUnavailable } from '../../src/ports/stores/store-unavailable.ts';
import { someUser } from '../ports/users.ts';
import { countsOf } from '../support/exposition.ts';
import { NOW } from '../support/families.ts';
import { claimsOf } from '../support/forge.ts';
import { createMemoryStores } from '../support/memory/session-store.ts';
import {
  ELSEWHERE,
  HOME,
  type Keys,
  outcome,
  REFRESH_REQUEST,
  sessionUseCases,
  someKey,
  someKeys,
} from '../support/sessions.ts';

const HOUR = 3_600_000;

async function claimEntries(
  { outbox }: Pick<Awaited<ReturnType<typeof sessionUseCases>>, 'outbox'>,
  kind: 'event' | 'mail',
) {
  const entries = await outbox.claim(kind, NOW + 1000 * HOUR, NOW + 2000 * HOUR, 1000);
  return entries.map(({ event }) => event).filter(({ type }) => type !== 'sessions.started');
}

t.test('a pair is exchanged for its successor', async (t) => {
  const service = await sessionUseCases();
  const first = await service.logIn();
  service.time.now += 1000;
  const second = await service.refresh(first);
  const before = claimsOf(first.refresh);
  const after = claimsOf(second.refresh);
  t.equal(after.generation, 1);
  t.equal(after.tokenFamily, before.tokenFamily);
  t.equal(after.sub, before.sub);
  t.not(after.jti, before.jti);
  t.equal(claimsOf(second.access).linkerId, after.linkerId);
  t.equal(claimsOf(second.access).sid, after.tokenFamily);
  t.equal(second.expiresIn, 900);
  t.same(await claimEntries(service, 'event'), []);
});

t.test('without a retry window a replayed token revokes its family, with one event', async (t) => {
  const service = await sessionUseCases();
  const first = await service.logIn();
  const second = await service.refresh(first);
  const third = await service.refresh(second);
  const replays = await Promise.all([first, second, first].map((pair) => outcome(service.refresh(pair))));
  t.same(replays, ['token_reused', 'token_reused', 'token_reused']);
  t.equal(await outcome(service.refresh(third)), 'session_revoked', 'the current token is refused');
  t.same(
    (await claimEntries(service, 'event')).map(({ type }) => type),
    ['sessions.reuse_detected'],
  );
  t.equal((await claimEntries(service, 'mail')).length, 1);
});

t.test(
  'a repetition with the same Idempotency-Key gets the same bytes, and one with another key is reuse',
  async (t) => {
    const service = await sessionUseCases();
    const first = await service.logIn();
    const second = await service.refresh(first, { key: 'k1' });
    service.time.now += 2 * HOUR;
    const again = await service.refresh(first, { key: 'k1', client: ELSEWHERE });
    t.equal(again.refresh, second.refresh);
    t.equal(again.access, second.access);
    t.equal(again.expiresIn, 0, 'expiresIn is counted from the retry');
    t.equal(await outcome(service.refresh(second, { key: 'k1' })), 'idempotency_key_reused');
    t.equal(await outcome(service.refresh(first, { key: 'k2' })), 'token_reused');
  },
);

t.test('within the retry window only the same client gets the same pair', async (t) => {
  for (const [client, expected] of [
    [HOME, 'same'],
    [{ ...HOME, address: ELSEWHERE.address }, 'token_reused'],
    [{ ...HOME, userAgent: ELSEWHERE.userAgent }, 'token_reused'],
  ] as const) {
    const service = await sessionUseCases({ policy: { retryWindow: 10_000 } });
    const first = await service.logIn();
    const second = await service.refresh(first);
    service.time.now += 15_000;
    const answer = await outcome(service.refresh(first, { client }));
    t.same(
      answer,
      expected === 'same'
        ? { ...second, expiresIn: 885, refreshExpiresIn: second.refreshExpiresIn - 15 }
        : expected,
    );
  }
  const service = await sessionUseCases({ policy: { retryWindow: 10_000 } });
  const first = await service.logIn();
  const second = await service.refresh(first);
  service.time.now += 15_001;
  t.equal(await outcome(service.refresh(first)), 'token_reused', 'too late');
  t.equal(await outcome(service.refresh(second)), 'session_revoked');
});

t.test('a token that is two generations old is reuse, even within the retry window', async (t) => {
  const service = await sessionUseCases({ policy: { retryWindow: 10_000 } });
  const first = await service.logIn();
  await service.refresh(await service.refresh(first));
  t.equal(await outcome(service.refresh(first)), 'token_reused');
});

t.test('a new network is reported once a day, and the network of the login is never reported', async (t) => {
  const service = await sessionUseCases();
  let pair = await service.logIn();
  for (const client of [ELSEWHERE, HOME, ELSEWHERE, HOME]) pair = await service.refresh(pair, { client });
  const events = await claimEntries(service, 'event');
  t.same(
    events.map(({ type }) => type),
    ['sessions.address_changed'],
  );
  t.match(events[0]?.data, { address: ELSEWHERE.address, previousAddress: HOME.address, blocked: false });
  t.equal((await claimEntries(service, 'mail')).length, 1);
  service.time.now += 24 * HOUR;
  await service.refresh(pair, { client: ELSEWHERE });
  t.equal((await claimEntries(service, 'mail')).length, 1, 'notified again on another day');
});

t.test('a session whose policy blocks another network refuses it and stays live', async (t) => {
  const service = await sessionUseCases({ policy: { onAddressChange: 'block' } });
  const first = await service.logIn();
  t.equal(await outcome(service.refresh(first, { client: ELSEWHERE })), 'address_changed');
  t.equal(await outcome(service.refresh(first, { client: ELSEWHERE })), 'address_changed');
  t.equal((await claimEntries(service, 'mail')).length, 1);
  const second = await service.refresh(first, { key: 'k' });
  t.equal(await outcome(service.refresh(first, { key: 'k', client: ELSEWHERE })), 'address_changed');
  t.equal(typeof (await service.refresh(second)), 'object');
  t.equal(await outcome(service.refresh(first, { client: ELSEWHERE })), 'token_reused', 'reuse comes first');
});

t.test('another product is ignored, reported or blocked according to the policy', async (t) => {
  const browser = (version: string) => ({
    ...HOME,
    userAgent: `Mozilla/5.0 (X11; Linux) Firefox/${version}`,
  });
  for (const onUserAgentChange of ['ignore', 'notify', 'block'] as const) {
    const service = await sessionUseCases({ policy: { onUserAgentChange } });
    const first = await service.logIn({ client: browser('120.0') });
    const second = await service.refresh(first, { client: browser('121.0') });
    const answer = await outcome(service.refresh(second, { client: { ...HOME, userAgent: 'curl/8' } }));
    const events = (await claimEntries(service, 'event')).map(({ type, data }) => [
      type,
      'reason' in data && data.reason,
    ]);
    const mails = (await claimEntries(service, 'mail')).length;
    if (onUserAgentChange === 'ignore') {
      t.type(answer, 'object');
      t.same([events, mails], [[], 0]);
    } else if (onUserAgentChange === 'notify') {
      t.type(answer, 'object');
      t.same([events, mails], [[['sessions.user_agent_changed', false]], 1]);
    } else {
      t.equal(answer, 'user_agent_changed');
      t.same([events, mails], [[['sessions.revoked', 'user_agent_changed']], 1]);
      t.equal(await outcome(service.refresh(second, { client: browser('121.0') })), 'session_revoked');
    }
  }
});

t.test('a family keeps the policies of its login', async (t) => {
  const stores = createMemoryStores();
  const keys = someKeys();
  const strict = await sessionUseCases({ stores, keys, policy: { onAddressChange: 'block' } });
  const lenient = await sessionUseCases({ stores, keys, policy: { onAddressChange: 'ignore' } });
  const first = await strict.logIn();
  t.equal(await outcome(lenient.refresh(first, { client: ELSEWHERE })), 'address_changed');
  t.equal(typeof (await lenient.refresh(first)), 'object');
});

t.test('a paired session needs both tokens, and an unpaired one needs the refresh token alone', async (t) => {
  const service = await sessionUseCases();
  const userId = '11111111-1111-4111-8111-111111111111';
  const first = await service.logIn({ userId });
  const other = await service.logIn({ userId });
  const second = await service.refresh(first);
  t.equal(
    await outcome(service.refresh({ refresh: second.refresh })),
    'pair_mismatch',
    'the access token is missing',
  );
  t.equal(await outcome(service.refresh({ ...second, access: other.access })), 'pair_mismatch');
  t.equal(await outcome(service.refresh({ ...second, access: first.access })), 'pair_mismatch');
  const altered = `${second.access.slice(0, -4)}AAAA`;
  t.equal(await outcome(service.refresh({ ...second, access: altered })), 'invalid_token');
  service.time.now += 2 * HOUR;
  t.equal(typeof (await service.refresh(second)), 'object', 'an expired access token is accepted');

  const unpaired = await service.logIn({ paired: false });
  t.notOk('at_hash' in claimsOf(unpaired.refresh));
  t.equal(
    await outcome(service.refresh({ refresh: unpaired.refresh, access: other.access })),
    'pair_mismatch',
  );
  const next = await service.refresh({ refresh: unpaired.refresh });
  t.equal(typeof (await service.refresh({ refresh: next.refresh, access: unpaired.access })), 'object');
});

t.test('an expired, ended or unknown session is refused', async (t) => {
  const service = await sessionUseCases();
  const first = await service.logIn();
  service.time.now += 30 * 24 * HOUR;
  t.equal(await outcome(service.refresh(first)), 'token_expired');

  const short = await sessionUseCases({ policy: { sessionMaxAge: 2 * HOUR } });
  const pair = await short.logIn();
  short.time.now += 2 * HOUR;
  t.equal(await outcome(short.refresh(pair)), 'token_expired', 'the last token expires with the session');

  const elsewhere = await sessionUseCases();
  t.equal(await outcome(elsewhere.refresh(first)), 'invalid_token', 'keys of another service');
  const keys = someKeys();
  const one = await sessionUseCases({ keys });
  const other = await sessionUseCases({ keys });
  t.equal(await outcome(other.refresh(await one.logIn())), 'session_not_found');

  const ended = await sessionUseCases();
  const last = await ended.logIn();
  const { tokenFamily, sub } = claimsOf(last.refresh) as { tokenFamily: string; sub: string };
  t.equal(await ended.end(tokenFamily, sub, 'logout'), true);
  t.equal(await ended.end(tokenFamily, sub, 'logout'), false);
  t.equal(await outcome(ended.refresh(last)), 'session_revoked');
});

t.test('live sessions survive a change of the hash key and of the hash function', async (t) => {
  const stores = createMemoryStores();
  const keys = someKeys();
  const before = await sessionUseCases({ stores, keys });
  const newer = { ...keys, hashKeys: [someKey('hash-2'), ...keys.hashKeys] };
  const after = await sessionUseCases({ stores, keys: newer });
  const slow = await sessionUseCases({ stores, keys: newer, jtiHash: 'argon2id' });
  const forgotten = await sessionUseCases({
    stores,
    keys: { ...keys, hashKeys: newer.hashKeys.slice(0, 1) },
  });

  const first = await before.logIn();
  const second = await after.refresh(first, { key: 'k' });
  t.same(await after.refresh(first, { key: 'k' }), second);
  t.match(await stores.families.find(String(claimsOf(first.refresh).tokenFamily)), {
    scheme: 'hmac-sha512.hash-2',
  });
  const third = await slow.refresh(second, { key: 'l' });
  t.same(await slow.refresh(second, { key: 'l' }), third);
  t.match(await stores.families.find(String(claimsOf(first.refresh).tokenFamily)), {
    scheme: 'argon2id.64.2.1.hash-2',
  });
  const fourth = await after.refresh(third);
  t.equal(await outcome(after.refresh(third)), 'token_reused');
  t.equal(await outcome(after.refresh(fourth)), 'session_revoked');

  const old = await before.logIn();
  t.equal(await outcome(forgotten.refresh(old)), 'invalid_token', 'its hash key is not configured');
});

/** Stores whose changes commit, but whose answers to rotations and step-ups never arrive. */
function lossyStores() {
  const stores = createMemoryStores();
  const { families } = stores;
  const lose = async (change: Promise<unknown>) => {
    await change;
    throw new StoreUnavailable('unknown', new Error('connection lost'));
  };
  return {
    ...stores,
    families: {
      ...families,
      rotate: (...args: Parameters<typeof families.rotate>) => lose(families.rotate(...args)),
      stepUp: (...args: Parameters<typeof families.stepUp>) => lose(families.stepUp(...args)),
    },
  };
}

t.test('if the database’s answer to a rotation is lost, the row decides', async (t) => {
  const lossy = lossyStores();
  const keys = someKeys();
  const service = await sessionUseCases({ stores: lossy, keys });
  const first = await service.logIn();
  const second = await service.refresh(first);
  t.equal(claimsOf(second.refresh).generation, 1);

  const gone = await sessionUseCases({
    keys,
    stores: {
      ...lossy,
      families: {
        ...lossy.families,
        find: () => Promise.reject(new StoreUnavailable('nothing', new Error('down'))),
      },
    },
  });
  t.equal(await outcome(gone.refresh(second)), 'unavailable');
});

t.test(
  'a step-up whose answer from the database was lost is logged and counted like any other',
  async (t) => {
    const stores = lossyStores();
    const user = someUser();
    await stores.users.create(user, []);
    const logged: string[] = [];
    const service = await sessionUseCases({ stores, securityLog: (event) => void logged.push(event) });
    const proof = {
      proven: BY_PASSWORD,
      use: { kind: 'password', passwordHash: user.passwordHash },
    } as const;
    const runStepUp = stepUp({ ...service, verifyProof: async () => proof });
    const pair = await service.logIn({ userId: user.id });
    const input = { refreshToken: pair.refresh, accessToken: pair.access, idempotencyKey: 'k', client: HOME };
    const presented = { proof: null, ...REFRESH_REQUEST };
    const request = { ...input, oauthClient: null, presented, proof: { password: 'x' } };
    const stepped = await runStepUp(request);
    t.equal(claimsOf(stepped.refresh).generation, 1);
    t.same(logged, ['session_stepped_up']);
    t.same(await countsOf(service.metrics, 'kinship_refreshes_total'), { '{outcome="rotated"}': 1 });
    await runStepUp(request);
    t.same(logged, ['session_stepped_up'], 'a retry is no second step-up');
  },
);

t.test('a rotation without a result yet is refused, and its row is not read', async (t) => {
  const stores = createMemoryStores();
  let reads = 0;
  const held = {
    ...stores,
    families: {
      ...stores.families,
      rotate: () => Promise.reject(new StoreUnavailable('pending', new Error('no answer'))),
      find: (tokenFamily: string) => {
        reads += 1;
        return stores.families.find(tokenFamily);
      },
    },
  };
  const service = await sessionUseCases({ stores: held });
  const pair = await service.logIn();
  t.equal(await outcome(service.refresh(pair)), 'unavailable');
  t.equal(reads, 0, 'the row is not read: it cannot show the result yet');
});

/** A service on a restored database, which holds `row` and lost every later change. */
async function restoredService(row: TokenFamily | null, keys: Keys, policy: Partial<Policy> = {}) {
  const stores = createMemoryStores();
  if (row) await stores.families.open(row, []);
  return sessionUseCases({ stores, keys, policy });
}

t.test('a later token heals a database that lost acknowledged rotations', async (t) => {
  const keys = someKeys();
  const service = await sessionUseCases({ keys });
  const tick = () => {
    service.time.now += HOUR;
  };
  const first = await service.logIn();
  const { tokenFamily } = claimsOf(first.refresh) as { tokenFamily: string };
  tick();
  const second = await service.refresh(first);
  const row = await service.families.find(tokenFamily);
  tick();
  const third = await service.refresh(second);
  tick();
  const fourth = await service.refresh(third);

  t.test('after healing the current token is rotated, and older tokens are reuse', async (t) => {
    const after = await restoredService(row, keys);
    after.time.now = service.time.now;
    const fifth = await after.refresh(fourth);
    t.equal(claimsOf(fifth.refresh).generation, 4);
    const [event] = await claimEntries(after, 'event');
    t.match(event, { type: 'sessions.healed', data: { storedGeneration: 1, presentedGeneration: 3 } });
    t.equal(await outcome(after.refresh(third)), 'token_reused');
    t.equal(await outcome(after.refresh(fifth)), 'session_revoked');
  });

  t.test('healing is counted, also if the database’s answer to it was lost', async (t) => {
    for (const stores of [createMemoryStores(), lossyStores()]) {
      if (row) await stores.families.open(row, []);
      const after = await sessionUseCases({ stores, keys });
      after.time.now = service.time.now;
      const fifth = await after.refresh(fourth);
      const count = () => countsOf(after.metrics, 'kinship_refreshes_total');
      t.same(await count(), { '{outcome="healed"}': 1 });
      await after.refresh(fifth);
      t.same(await count(), { '{outcome="healed"}': 1, '{outcome="rotated"}': 1 });
    }
  });

  t.test('a token that was issued before the row’s last rotation never heals', async (t) => {
    const after = await restoredService(row, keys);
    after.time.now = service.time.now + HOUR;
    await after.refresh(second);
    t.equal(await outcome(after.refresh(fourth)), 'token_reused');
  });

  t.test('an Idempotency-Key that the row still holds does not prevent healing', async (t) => {
    const before = await sessionUseCases({ keys });
    const one = await before.logIn();
    before.time.now += HOUR;
    const two = await before.refresh(one, { key: 'k' });
    const known = await before.families.find(String(claimsOf(one.refresh).tokenFamily));
    before.time.now += HOUR;
    const three = await before.refresh(two, { key: 'l' });
    const after = await restoredService(known, keys);
    after.time.now = before.time.now;
    t.equal(claimsOf((await after.refresh(three, { key: 'k' })).refresh).generation, 3);
  });

  t.test('a token of the same generation from the lost history is reuse', async (t) => {
    const after = await restoredService(row, keys);
    after.time.now = service.time.now;
    await after.refresh(second);
    t.equal(await outcome(after.refresh(third)), 'token_reused');
  });

  t.test('a revocation that this replica remembers is repeated instead of healing', async (t) => {
    const after = await restoredService(row, keys);
    after.revoked.remember(tokenFamily, 'logout', after.time.now + HOUR);
    t.equal(await outcome(after.refresh(fourth)), 'session_revoked');
    t.match(await after.families.find(tokenFamily), { revoked: { reason: 'logout' } });
  });

  t.test('a row with an unconfigured hash key is unavailable, never reuse', async (t) => {
    const newer = { ...keys, hashKeys: [someKey('hash-2')] };
    const both = await sessionUseCases({
      keys: { ...keys, hashKeys: [...newer.hashKeys, ...keys.hashKeys] },
    });
    if (row) await both.families.open(row, []);
    both.time.now = service.time.now;
    const fifth = await both.refresh(fourth);
    const after = await restoredService(row, newer);
    after.time.now = service.time.now;
    t.equal(await outcome(after.refresh(fifth)), 'unavailable');
    t.same(await after.families.find(tokenFamily), row);
  });
});
