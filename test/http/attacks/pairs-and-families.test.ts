import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'tap';
import { digest } from '../../support/digest.ts';
import { claimsOf, hmac, modifyToken, resignToken } from '../../support/forge.ts';
import {
  assertRefreshable,
  assertRefused,
  assertUnchanged,
  databaseTest,
  familyOf,
  outboxLinesOf,
  outcomeOf,
  type Pair,
  refusal,
  revokedFamilies,
  type ServiceOnDatabase,
  serviceOnDatabase,
} from '../../support/service-on-database.ts';

/** The outbox entries of a session that ended because of reuse: its start, and one event and one mail about its end. */
const REUSE = ['event sessions.reuse_detected', 'event sessions.started', 'mail sessions.reuse_detected'];

/** On a busy machine many requests at once wait too long. The service then answers 503, and the client repeats them. */
async function refreshUntilAnswered(
  service: ServiceOnDatabase,
  pair: Partial<Pair>,
  headers: Record<string, string> = {},
) {
  for (;;) {
    const answer = await service.post('/auth/refresh', pair, headers);
    if (answer.status !== 503) return answer;
    await delay(100);
  }
}

/**
 * Asserts that a replay was answered as reuse, that only its session has ended, and that one event and one mail say so.
 */
async function assertEndsForReuse(t: Test, service: ServiceOnDatabase, copy: Partial<Pair>, name: string) {
  const { refreshToken = '' } = copy;
  const tokenFamily = familyOf({ refreshToken });
  const others = () =>
    service.sql`select * from token_families where token_family <> ${tokenFamily} order by 1`;
  const before = [...(await others())];
  const ended = await revokedFamilies(service.sql);
  t.equal(outcomeOf(await service.post('/auth/refresh', copy)), refusal.reused, name);
  t.same(
    await revokedFamilies(service.sql),
    [...ended, tokenFamily].sort(),
    `${name}: that session has ended`,
  );
  t.same([...(await others())], before, `${name}: no other session is touched`);
  t.same(await outboxLinesOf(service.sql, refreshToken), REUSE, `${name}: one event, one mail`);
}

databaseTest('halves of two pairs are refused', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const userId = randomUUID();
  const a = await service.open({ userId });
  const b = await service.open({ userId });
  const stranger = await service.open();
  const earlier = await service.open({ userId });
  const current = await service.next(earlier);
  const unpaired = await service.open({ userId, query: '&binding=refresh' });
  await assertRefused(t, service, refusal.mismatch, {
    'the access token of another session of the user': { ...a, accessToken: b.accessToken },
    'the same the other way round': { ...b, accessToken: a.accessToken },
    'the access token of another user': { ...a, accessToken: stranger.accessToken },
    'the access token of an earlier generation': { ...current, accessToken: earlier.accessToken },
    'an old refresh token with the access token of a later generation': {
      ...earlier,
      accessToken: current.accessToken,
    },
    'the access token of an unpaired session': { ...a, accessToken: unpaired.accessToken },
    'no access token': { refreshToken: a.refreshToken },
    'an unpaired refresh token with the access token of another session': {
      ...unpaired,
      accessToken: a.accessToken,
    },
  });
  for (const pair of [a, b, stranger, current]) await assertRefreshable(t, service, pair);
  await assertRefreshable(t, service, { refreshToken: unpaired.refreshToken });
});

databaseTest('a replayed refresh token ends its session', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const userId = randomUUID();
  const bystander = await service.open({ userId });
  const first = await service.open({ userId });
  const second = await service.next(first);
  await assertEndsForReuse(t, service, first, 'the token just rotated');

  const replays = { 'the same again': first };
  for (let times = 0; times < 5; times += 1) await assertRefused(t, service, refusal.reused, replays);
  await assertRefused(t, service, '401 session_revoked', { 'the token that was still good': second });
  await assertRefreshable(t, service, bystander);

  const { refreshToken } = await service.open({ query: '&binding=refresh' });
  await service.next({ refreshToken });
  await assertEndsForReuse(t, service, { refreshToken }, 'an unpaired token');
});

databaseTest('a token two generations old ends the session within the retry window', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql, { policy: { retryWindow: 60_000 } });
  const first = await service.open();
  const second = await service.next(first);
  const third = await service.next(second);
  t.same(await service.next(second), third, 'the parent is within the window');
  await assertEndsForReuse(t, service, first, 'the grandparent');
});

databaseTest('generations, not issue times, decide which token is old', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const first = await service.open();
  const second = await service.next(first);
  const third = await service.next(second);
  const issued = [first, second, third].map(({ refreshToken }) => claimsOf(refreshToken).iat);
  t.equal(new Set(issued).size, 1, 'two rotations within one second');
  await assertEndsForReuse(t, service, first, 'the first of them');
});

databaseTest('a forged token ends no session', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const first = await service.open();
  const second = await service.next(first);
  const forgeWith = (signer: Parameters<typeof resignToken>[1]) => resignToken(first.refreshToken, signer);
  await assertRefused(t, service, refusal.invalid, {
    'a rotated token signed with an unknown key': { ...first, refreshToken: forgeWith(hmac('evil')) },
    'a rotated token without a signature': { ...first, refreshToken: forgeWith(() => new Uint8Array()) },
    'a rotated token signed with the access key': {
      ...first,
      refreshToken: forgeWith(service.sign.access),
    },
    'a rotated token with an altered access token': {
      ...first,
      accessToken: resignToken(first.accessToken, hmac('evil')),
    },
  });
  await assertRefused(t, service, refusal.mismatch, {
    'a rotated token without its other half': { refreshToken: first.refreshToken },
    'a rotated token with the other half of its successor': { ...first, accessToken: second.accessToken },
  });
  t.same(await revokedFamilies(sql), [], 'no session has ended');
  await assertRefreshable(t, service, second);
});

databaseTest('an expired token ends no session', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql, { policy: { refreshTokenAge: 60_000 } });
  const first = await service.open();
  service.time.now += 59_000;
  const second = await service.next(first);
  service.time.now += 2_000;
  await assertRefused(t, service, refusal.expired, { 'a rotated token past its exp': first });
  await assertRefreshable(t, service, second);
});

for (const parallel of [20, 200]) {
  const use = (service: ServiceOnDatabase, pair: Pair, headers: Record<string, string> = {}) =>
    Promise.all(Array.from({ length: parallel }, () => refreshUntilAnswered(service, pair, headers)));

  databaseTest(
    `without a retry rule exactly one of ${parallel} simultaneous uses of a token succeeds`,
    async (t, sql) => {
      const service = await serviceOnDatabase(t, sql);
      const pair = await service.open();
      const answers = await use(service, pair);
      const outcomes = answers.map(outcomeOf).sort();
      t.same(outcomes, ['200', ...Array(parallel - 1).fill(refusal.reused)]);
      t.same(await revokedFamilies(sql), [familyOf(pair)], 'the session has ended');
      t.same(await outboxLinesOf(sql, pair.refreshToken), REUSE, 'one event, one mail');
      const winner = answers.find(({ status }) => status === 200)?.body;
      const next = { refreshToken: winner?.refresh, accessToken: winner?.access };
      await assertRefused(t, service, '401 session_revoked', { 'the successor that was issued': next });
    },
  );

  const lenient = {
    'one Idempotency-Key': [{}, { 'idempotency-key': randomUUID() }],
    'a retry window': [{ retryWindow: 60_000 }, {}],
  } as const;
  for (const [rule, [policy, headers]] of Object.entries(lenient)) {
    databaseTest(`${parallel} simultaneous uses of one token, ${rule}, all get one pair`, async (t, sql) => {
      const service = await serviceOnDatabase(t, sql, { policy });
      const pair = await service.open();
      const answers = await use(service, pair, headers);
      t.same([...new Set(answers.map(outcomeOf))], ['200']);
      t.equal(
        new Set(answers.map(({ body }) => JSON.stringify(body))).size,
        1,
        'one successor, byte for byte',
      );
      const { refresh, access } = answers[0]?.body ?? {};
      t.equal(claimsOf(String(refresh)).generation, 1);
      t.same(await outboxLinesOf(sql, pair.refreshToken), ['event sessions.started'], 'no user gets a mail');
      await assertRefreshable(t, service, { refreshToken: String(refresh), accessToken: String(access) });
    });
  }
}

databaseTest('a retry is recognized by its Idempotency-Key', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const key = { 'idempotency-key': 'one' };
  const first = await service.open();
  const answer = await service.post('/auth/refresh', first, key);
  const second = await service.next(first, key);
  const again = () => service.post('/auth/refresh', first, key);
  const repeated = await assertUnchanged(t, sql, again, 'the retry');
  t.equal(JSON.stringify(repeated.body), JSON.stringify(answer.body), 'byte for byte the same pair');

  const reused = () => service.post('/auth/refresh', second, key);
  const refused = await assertUnchanged(t, sql, reused, 'the key of the previous rotation');
  t.equal(outcomeOf(refused), '422 idempotency_key_reused');

  const third = await service.next(second, { 'idempotency-key': 'two' });
  t.equal(
    claimsOf(third.refreshToken).generation,
    2,
    'with another Idempotency-Key the current token is rotated',
  );
  const stolen = await service.post('/auth/refresh', second, { 'idempotency-key': 'guessed' });
  t.equal(outcomeOf(stolen), refusal.reused, 'with another Idempotency-Key the used token is reuse');
  t.same(await revokedFamilies(sql), [familyOf(first)]);
  t.same(await outboxLinesOf(sql, first.refreshToken), REUSE);
});

databaseTest('the stored hash of an Idempotency-Key is not accepted as the key', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const first = await service.open();
  await service.next(first, { 'idempotency-key': 'one' });
  const [row] = await sql<{ hash: Buffer }[]>`select retry_key_hash as hash from token_families`;
  const replay = await service.post('/auth/refresh', first, {
    'idempotency-key': String(row?.hash.toString('base64url')),
  });
  t.equal(outcomeOf(replay), refusal.reused);
});

databaseTest(
  'a session whose policy blocks other networks works only within its IPv6 /64',
  async (t, sql) => {
    const service = await serviceOnDatabase(t, sql, {
      policy: { onAddressChange: 'block' },
      http: { trustProxy: ['127.0.0.1'] },
    });
    const from = (address: string) => ({ 'x-forwarded-for': address });
    let pair = await service.open({ headers: from('2001:db8:1:2::9') });
    for (const address of ['2001:0DB8:1:2:0:0:0:9', '2001:db8:1:2:ffff::1']) {
      pair = await service.next(pair, from(address));
    }
    for (const address of ['2001:db8:1:3::9', '203.0.113.9']) {
      const answer = await service.post('/auth/refresh', pair, from(address));
      t.equal(outcomeOf(answer), '401 address_changed', address);
    }
    await service.next(pair, from('2001:db8:1:2::9'));
    t.same(await revokedFamilies(sql), []);
  },
);

databaseTest(
  'a session whose policy blocks other networks refuses a retry from another network',
  async (t, sql) => {
    const service = await serviceOnDatabase(t, sql, {
      policy: { onAddressChange: 'block', retryWindow: 60_000 },
      http: { trustProxy: ['127.0.0.1'] },
    });
    const home = { 'x-forwarded-for': '203.0.113.1', 'idempotency-key': 'one' };
    const elsewhere = { ...home, 'x-forwarded-for': '198.51.100.66' };
    const first = await service.open({ headers: home });
    const second = await service.next(first, home);
    const families = () => sql`select * from token_families`;
    const before = [...(await families())];
    for (let times = 0; times < 3; times += 1) {
      const answer = await service.post('/auth/refresh', first, elsewhere);
      t.equal(outcomeOf(answer), '401 address_changed');
    }
    t.same([...(await families())], before, 'the session has not changed');
    const recorded = [
      'event sessions.address_changed',
      'event sessions.started',
      'mail sessions.address_changed',
    ];
    t.same(await outboxLinesOf(sql, first.refreshToken), recorded, 'and its user gets one mail');
    t.same(await service.next(first, home), second, 'at home the retry is answered');

    const replay = { ...elsewhere, 'idempotency-key': 'two' };
    const third = await service.next(second, { ...home, 'idempotency-key': 'three' });
    t.equal(
      outcomeOf(await service.post('/auth/refresh', third, replay)),
      '401 address_changed',
      'the current token',
    );
    t.equal(
      outcomeOf(await service.post('/auth/refresh', first, replay)),
      refusal.reused,
      'a stolen earlier token ends the session',
    );
    t.same(await revokedFamilies(sql), [familyOf(first)], 'from any address');
  },
);

databaseTest('a session that ended for another reason is not reported as reuse', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const first = await service.open();
  const second = await service.next(first);
  const { sub, tokenFamily } = claimsOf(first.refreshToken);
  await service.end(String(tokenFamily), String(sub), 'logout');
  await assertRefused(t, service, '401 session_revoked', {
    'its last token': second,
    'an older token': first,
  });
});

databaseTest('a refresh of an unknown session is answered session_not_found', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const pair = await service.open();
  await sql`delete from token_families`;
  await assertRefused(t, service, '401 session_not_found', { 'its genuine pair': pair });
});

databaseTest('two hundred replays of one stolen token cause one notification', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const first = await service.open();
  await service.next(first);
  const replay = () => refreshUntilAnswered(service, first);
  t.same(
    new Set((await Promise.all(Array.from({ length: 100 }, replay))).map(outcomeOf)),
    new Set([refusal.reused]),
  );
  const after = await digest(sql);
  t.same(
    new Set((await Promise.all(Array.from({ length: 100 }, replay))).map(outcomeOf)),
    new Set([refusal.reused]),
  );
  t.same(await digest(sql), after, 'later replays change nothing');
  t.same(await outboxLinesOf(sql, first.refreshToken), REUSE);
});

databaseTest('a refresh token that is not current cannot end other sessions', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const userId = randomUUID();
  const living = await service.open({ userId });
  const loggedOut = await service.open({ userId });
  await service.post('/auth/logout', { refreshToken: loggedOut.refreshToken });
  const stolen = await service.open({ userId });
  const rotated = await service.open({ userId });
  const successor = await service.next(rotated);
  const endedByTheft = await service.next(stolen);
  await service.post('/auth/refresh', stolen);
  const expired = await service.open({ userId });
  const past = { exp: claimsOf(expired.refreshToken).iat };
  const pastItsTime = modifyToken(expired.refreshToken, { claims: past }, service.sign.refresh);

  const tokens = {
    'of a session that was logged out': loggedOut.refreshToken,
    'that ended its session by reuse': stolen.refreshToken,
    'of a session that ended for reuse': endedByTheft.refreshToken,
    'that was rotated': rotated.refreshToken,
    'that has expired': pastItsTime,
  };
  for (const [name, refreshToken] of Object.entries(tokens)) {
    for (const scope of ['all', 'others']) {
      const logOut = () => service.post(`/auth/logout?scope=${scope}`, { refreshToken });
      const answer = await assertUnchanged(t, sql, logOut, `${scope} by a token ${name}`);
      t.equal(outcomeOf(answer), '401 unauthenticated', `${scope} by a token ${name}`);
    }
    const own = await service.post('/auth/logout?scope=session', { refreshToken });
    t.equal(own.status, 204, `its own session, by a token ${name}`);
  }
  t.equal(
    (await service.post('/auth/refresh', successor)).status,
    401,
    'a rotated token ended its own session',
  );

  const another = await service.open({ userId });
  const all = await service.post('/auth/logout?scope=others', { refreshToken: another.refreshToken });
  t.equal(all.status, 204, 'the current token of a live session ends the other sessions');
  t.equal((await service.post('/auth/refresh', living)).status, 401);
  await assertRefreshable(t, service, another);
});
