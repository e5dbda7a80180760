import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import type { Sql } from '../../../src/adapters/postgres/connect.ts';
import { SYSTEM } from '../../../src/domain/audit.ts';
import { NOW } from '../../support/families.ts';
import { claimsOf } from '../../support/forge.ts';
import { PASSWORD } from '../../support/passwords.ts';
import {
  assertRefreshable,
  assertUnchanged,
  databaseTest,
  familyOf,
  outboxLinesOf,
  outcomeOf,
  type Pair,
  refusal,
  revokedFamilies,
  serviceOnDatabase,
} from '../../support/service-on-database.ts';

const PROOF = { password: PASSWORD };
const WRONG = { password: 'a wrong piano 42' };

async function startWithUsers(t: Test, sql: Sql, settings: Parameters<typeof serviceOnDatabase>[2] = {}) {
  const service = await serviceOnDatabase(t, sql, settings);
  const register = (username: string, password = PASSWORD) =>
    service.post('/auth/register', { username, email: `${username}@example.com`, password });
  const { body: ann } = await register('ann');
  const { body: bob } = await register('bob', 'a green cello 17');
  const userId = String(ann.id);
  return {
    ...service,
    userId,
    bobId: String(bob.id),
    openSession: () => service.open({ userId }),
    stepUp: (pair: Partial<Pair>, proof: object = PROOF, headers = {}) =>
      service.post('/auth/step-up', { ...pair, ...proof }, headers),
  };
}

databaseTest(
  'a step-up that no row of docs/domain.md allows is refused, and changes nothing',
  async (t, sql) => {
    const service = await startWithUsers(t, sql);
    const pair = await service.openSession();
    const other = await service.openSession();
    const stranger = await service.open({ userId: service.bobId });
    const earlier = await service.openSession();
    const later = await service.next(earlier);
    const unpaired = await service.open({ userId: service.userId, query: '&binding=refresh' });
    for (const [name, body, expected] of [
      ['without tokens', {}, refusal.malformed],
      ['without the access token', { refreshToken: pair.refreshToken }, refusal.mismatch],
      [
        'with the access token of another session',
        { ...pair, accessToken: other.accessToken },
        refusal.mismatch,
      ],
      [
        'with the access token of another user',
        { ...pair, accessToken: stranger.accessToken },
        refusal.mismatch,
      ],
      ['with an earlier access token', { ...later, accessToken: earlier.accessToken }, refusal.mismatch],
      ['with an unpaired access token', { ...pair, accessToken: unpaired.accessToken }, refusal.mismatch],
      [
        'of an unpaired session with an access token of another session',
        { ...unpaired, accessToken: pair.accessToken },
        refusal.mismatch,
      ],
      ['with an access token as refresh token', { ...pair, refreshToken: pair.accessToken }, refusal.invalid],
      [
        'with another signature',
        { ...pair, refreshToken: `${pair.refreshToken.slice(0, -8)}AAAAAAAA` },
        refusal.invalid,
      ],
      ['with a JSON object as password', { ...pair, password: {} }, refusal.request],
    ] as const) {
      const answer = await assertUnchanged(t, sql, () => service.stepUp({}, { ...PROOF, ...body }), name);
      t.equal(outcomeOf(answer), expected, name);
    }
    for (const good of [pair, other, stranger, later, unpaired]) await assertRefreshable(t, service, good);
  },
);

databaseTest('the proof of one user does not step up a session of another user', async (t, sql) => {
  const service = await startWithUsers(t, sql);
  const pair = await service.open({ userId: service.bobId });
  const answer = await assertUnchanged(t, sql, () => service.stepUp(pair), 'ann’s password');
  t.equal(outcomeOf(answer), '401 proof_refused');
  await assertRefreshable(t, service, pair);
});

databaseTest('a refused proof changes nothing, however often it is given', async (t, sql) => {
  const service = await startWithUsers(t, sql);
  const pair = await service.openSession();
  const before = service.verifications();
  const answers = await assertUnchanged(
    t,
    sql,
    () => Promise.all(Array.from({ length: 50 }, () => service.stepUp(pair, WRONG))),
    'wrong passwords',
  );
  const outcomes = new Set(answers.map(outcomeOf));
  t.same([...outcomes].sort(), ['401 proof_refused', '429 too_many_requests']);
  t.equal(service.verifications() - before, 5, 'the limit permits five verifications');
  await assertRefreshable(t, service, pair);
});

databaseTest('a session that has ended cannot be stepped up', async (t, sql) => {
  const time = { now: NOW };
  const service = await startWithUsers(t, sql, { time });
  const loggedOut = await service.openSession();
  await service.post('/auth/logout', { refreshToken: loggedOut.refreshToken });
  const short = await service.open({ userId: service.userId, query: '&maxAge=60' });
  time.now += 60_000;
  for (const [pair, expected] of [
    [loggedOut, '401 session_revoked'],
    [short, '401 token_expired'],
  ] as const) {
    const answer = await assertUnchanged(t, sql, () => service.stepUp(pair), expected);
    t.equal(outcomeOf(answer), expected);
  }
});

databaseTest(
  'a token that was used for a step-up is reuse afterwards, and ends only its session',
  async (t, sql) => {
    for (const path of ['/auth/refresh', '/auth/step-up']) {
      const service = await startWithUsers(t, sql, { policy: { retryWindow: 10_000 } });
      const pair = await service.openSession();
      const other = await service.openSession();
      t.equal((await service.stepUp(pair)).status, 200);
      const ended = await revokedFamilies(sql);
      const replay = { ...pair, ...(path === '/auth/step-up' && PROOF) };
      for (let n = 0; n < 3; n += 1) t.equal(outcomeOf(await service.post(path, replay)), refusal.reused);
      t.same(
        (await revokedFamilies(sql)).filter((family) => !ended.includes(family)),
        [familyOf(pair)],
        path,
      );
      t.same(await outboxLinesOf(sql, pair.refreshToken), [
        'event sessions.reuse_detected',
        'event sessions.started',
        'event sessions.stepped_up',
        'mail sessions.reuse_detected',
      ]);
      await assertRefreshable(t, service, other);
      await sql`delete from users`;
      await sql`delete from user_identifiers`;
    }
  },
);

databaseTest('of parallel step-ups with one token one succeeds, and the others are reuse', async (t, sql) => {
  const service = await startWithUsers(t, sql);
  for (const size of [2, 5]) {
    const pair = await service.openSession();
    const outcomes = (await Promise.all(Array.from({ length: size }, () => service.stepUp(pair)))).map(
      outcomeOf,
    );
    t.same(outcomes.sort(), ['200', ...Array(size - 1).fill(refusal.reused)]);
    t.ok((await revokedFamilies(sql)).includes(familyOf(pair)));
  }
});

databaseTest('parallel step-ups with one token and one Idempotency-Key get one pair', async (t, sql) => {
  const service = await startWithUsers(t, sql);
  const pair = await service.openSession();
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => service.stepUp(pair, PROOF, { 'idempotency-key': 'k' })),
  );
  t.same([...new Set(answers.map(outcomeOf))], ['200']);
  t.equal(new Set(answers.map(({ body }) => body.refresh)).size, 1);
  const [row] = await sql`select generation, auth_generation from token_families`;
  t.same(row, { generation: 1, auth_generation: 1 });
  t.same(
    (await outboxLinesOf(sql, pair.refreshToken)).filter((line) => line.endsWith('stepped_up')),
    ['event sessions.stepped_up'],
  );
});

databaseTest('a refresh during a step-up never gets the stepped-up pair without a proof', async (t, sql) => {
  const time = { now: NOW };
  const service = await startWithUsers(t, sql, { time, policy: { retryWindow: 10_000 } });
  let refreshed = 0;
  for (let round = 0; round < 20; round += 1) {
    time.now = NOW;
    const pair = await service.openSession();
    time.now += 3_000;
    const key = { 'idempotency-key': 'k' };
    const [, ...refreshes] = await Promise.all([
      service.stepUp(pair, PROOF, key),
      service.post('/auth/refresh', pair, key),
      service.post('/auth/refresh', pair),
    ]);
    for (const { status, body } of refreshes.filter(({ status }) => status === 200)) {
      refreshed += 1;
      t.equal(claimsOf(String(body.access)).auth_time, Math.floor(NOW / 1000), `${status}`);
    }
  }
  t.ok(refreshed > 0, `${refreshed} of 40 refreshes came first`);
});

databaseTest('a step-up during the end of its session leaves no live session', async (t, sql) => {
  const service = await startWithUsers(t, sql);
  /** Each function prepares the end of a session. Returns a function that ends the session. */
  const ways: Record<string, (pair: Pair) => Promise<() => Promise<unknown>>> = {
    'a logout':
      async ({ refreshToken }) =>
      () =>
        service.post('/auth/logout', { refreshToken }),
    'the end of all sessions': async () => () =>
      service.families.revokeAll(service.userId, { at: NOW, reason: 'logout', except: null, origin: SYSTEM }),
    'a reset of the password': async () => {
      const hashedToken = Buffer.alloc(32, 7).toString('base64url');
      await service.users.addReset(
        { hashedToken, userId: service.userId, expiresAt: service.time.now + 60_000 },
        [],
      );
      const { passwordHash = '' } = (await service.users.find(service.userId)) ?? {};
      return () => service.users.useReset(hashedToken, { passwordHash, except: null, at: NOW }, []);
    },
  };
  for (const [name, prepare] of Object.entries(ways)) {
    let stepUps = 0;
    for (let round = 0; round < 15; round += 1) {
      const pair = await service.openSession();
      const end = await prepare(pair);
      // The verification of the proof takes some milliseconds. So each round ends the session at another moment.
      const [stepped] = await Promise.all([service.stepUp(pair), sleep(round * 2).then(end)]);
      stepUps += Number(stepped.status === 200);
      t.ok((await revokedFamilies(sql)).includes(familyOf(pair)), `${name}: the session has ended`);
      if (stepped.status !== 200) continue;
      const raised = { refreshToken: stepped.body.refresh, accessToken: stepped.body.access };
      t.equal(outcomeOf(await service.post('/auth/refresh', raised)), '401 session_revoked', name);
    }
    t.comment(`${name}: ${stepUps} of 15 step-ups came first`);
  }
});

databaseTest(
  'after a change of the password the old password is no proof, also in the session that stays live',
  async (t, sql) => {
    const service = await startWithUsers(t, sql);
    let password = PASSWORD;
    for (let round = 0; round < 5; round += 1) {
      const pair = await service.openSession();
      const newPassword = `a yellow piano ${round}`;
      const [stepped, changed] = await Promise.all([
        service.stepUp(pair, { password }),
        service.post(
          '/auth/password',
          { currentPassword: password, newPassword },
          { authorization: `Bearer ${pair.accessToken}` },
        ),
      ]);
      t.equal(changed.status, 204);
      t.ok(['200', '401 proof_refused'].includes(outcomeOf(stepped)), outcomeOf(stepped));
      const current =
        stepped.status === 200
          ? { refreshToken: String(stepped.body.refresh), accessToken: String(stepped.body.access) }
          : pair;
      t.equal(
        outcomeOf(await service.stepUp(current, { password })),
        '401 proof_refused',
        'the old password',
      );
      password = newPassword;
      t.equal(outcomeOf(await service.stepUp(current, { password })), '200', 'the new password');
    }
  },
);
