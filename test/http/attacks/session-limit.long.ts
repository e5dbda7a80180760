import { randomUUID } from 'node:crypto';
import type { Sql } from '../../../src/adapters/postgres/connect.ts';
import { NOW } from '../../support/families.ts';
import { claimsOf } from '../../support/forge.ts';
import { PASSWORD } from '../../support/passwords.ts';
import {
  databaseTest,
  outcomeOf,
  type ServiceOnDatabase,
  serviceOnDatabase,
} from '../../support/service-on-database.ts';

const NEW_PASSWORD = 'another violet piano 43';
const ann = { username: 'ann', email: 'ann@example.com', password: PASSWORD };

/** The number of sessions of an account from the time before the limit existed. */
const SURPLUS = 10_000;

databaseTest('a login beyond the limit ends the least recently refreshed session at once', async (t, sql) => {
  const time = { now: NOW };
  const service = await serviceOnDatabase(t, sql, { time });
  const userId = randomUUID();
  const first = await service.open({ userId });
  const second = await service.open({ userId });
  time.now += 1_000;
  const refreshed = await service.next(first);
  for (let n = 3; n <= 50; n += 1) await service.open({ userId });
  t.equal(await countUnrevokedSessions(sql, userId), 50);
  const last = await service.open({ userId });
  t.equal(await countUnrevokedSessions(sql, userId), 50);

  t.equal(outcomeOf(await service.post('/auth/refresh', second)), '401 session_revoked');
  t.equal(outcomeOf(await me(service, second.accessToken)), '401 unauthenticated');
  for (const pair of [refreshed, last]) t.equal((await service.post('/auth/refresh', pair)).status, 200);
});

databaseTest('all sessions of an account with thousands of sessions can still be ended', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const ways: Record<string, (accessToken: string) => ReturnType<ServiceOnDatabase['send']>> = {
    'a new password': (accessToken) =>
      service.post(
        '/auth/password',
        { currentPassword: PASSWORD, newPassword: NEW_PASSWORD },
        bearer(accessToken),
      ),
    'the end of all sessions': (accessToken) =>
      service.post('/auth/logout?scope=all', undefined, bearer(accessToken)),
    'the operator’s end of all sessions': (accessToken) =>
      service.send(`/admin/users/${claimsOf(accessToken).sub}/sessions`, {
        method: 'DELETE',
        headers: { 'x-api-key': service.adminKey },
      }),
    'the end of the account': (accessToken) =>
      service.send('/auth/me', {
        method: 'DELETE',
        headers: { ...bearer(accessToken), 'content-type': 'application/json' },
        body: JSON.stringify({ password: PASSWORD }),
      }),
  };
  for (const [name, end] of Object.entries(ways)) {
    await t.test(name, async (t) => {
      const { userId, accessToken } = await userWithManySessions(service);
      const { status, body } = await end(accessToken);
      t.match(String(status), /^20[04]$/, String(body.detail));
      const left = name === 'a new password' ? 1 : 0;
      t.equal(await countUnrevokedSessions(sql, userId), left);
      if (left === 1) t.equal(outcomeOf(await me(service, accessToken)), '200', 'the session of the request');
      await sql`truncate token_families, told_subjects, outbox, users cascade`;
    });
  }
  await t.test('one more login ends the oldest sessions', async (t) => {
    const { userId } = await userWithManySessions(service);
    t.equal((await service.post('/auth/login', { username: 'ann', password: PASSWORD })).status, 200);
    t.equal(await countUnrevokedSessions(sql, userId), 50);
  });
});

/** A new account with one session in use, and many others from the time before the limit existed. */
async function userWithManySessions(service: ServiceOnDatabase) {
  await service.post('/auth/register', ann);
  const { body } = await service.post('/auth/login', { username: 'ann', password: PASSWORD });
  const accessToken = String(body.access);
  const userId = String(claimsOf(accessToken).sub);
  await service.sql`
    insert into token_families
    select surplus.* from token_families as family, generate_series(1, ${SURPLUS}) as n,
      lateral jsonb_populate_record(family, jsonb_build_object(
        'token_family', gen_random_uuid(), 'rotated_at', rotated_at - n * interval '1 second')) as surplus
    where family.user_id = ${userId}`;
  return { userId, accessToken };
}

async function countUnrevokedSessions(sql: Sql, userId: string): Promise<number> {
  const [row] = await sql<[{ count: number }]>`
    select count(*)::int as count from token_families where user_id = ${userId} and revoked_at is null`;
  return row.count;
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

const me = (service: ServiceOnDatabase, accessToken: string) =>
  service.send('/auth/me', { headers: bearer(accessToken) });
