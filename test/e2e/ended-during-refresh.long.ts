import { randomInt, randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import type { RevocationReason } from '../../src/domain/revocation.ts';
import type { UserStores } from '../ports/users.ts';
import { type SessionTokens, tokensIn } from '../support/factors.ts';
import { NOW } from '../support/families.ts';
import { claimsOf } from '../support/forge.ts';
import { type HttpService, startHttpService } from '../support/http.ts';
import { postgresStores } from '../support/open-stores.ts';
import { PASSWORD, passwordHasher } from '../support/passwords.ts';
import { outcomeOf } from '../support/service-on-database.ts';

const AT_ONCE = 8;

/** The session that is refreshed, and another session of the same user. */
interface Victim {
  readonly userId: string;
  readonly pair: SessionTokens;
  readonly other: SessionTokens;
}

interface RequestToSend {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly by?: SessionTokens;
  readonly body?: object;
  readonly headers?: Record<string, string>;
}

interface Ending {
  readonly races: number;
  readonly reason: RevocationReason;
  request(victim: Victim): RequestToSend;
}

/** Ways in which a user ends a session. */
const ENDINGS: Readonly<Record<string, Ending>> = {
  'a logout by the session itself': {
    races: 150,
    reason: 'logout',
    request: ({ pair }) => ({ method: 'POST', path: '/auth/logout', by: pair }),
  },
  'a logout by its refresh token': {
    races: 150,
    reason: 'logout',
    request: ({ pair }) => ({ method: 'POST', path: '/auth/logout', body: { refreshToken: pair.refresh } }),
  },
  'a logout of all others': {
    races: 150,
    reason: 'logout',
    request: ({ other }) => ({ method: 'POST', path: '/auth/logout?scope=others', by: other }),
  },
  'an end by another session of the user': {
    races: 150,
    reason: 'logout',
    request: ({ pair, other }) => ({
      method: 'DELETE',
      path: `/auth/sessions/${sessionOf(pair)}`,
      by: other,
    }),
  },
  'a change of the password': {
    races: 200,
    reason: 'password_changed',
    request: ({ other }) => ({
      method: 'POST',
      path: '/auth/password',
      by: other,
      body: { currentPassword: PASSWORD, newPassword: 'a yellow piano 43' },
    }),
  },
  'the deletion of the account': {
    races: 200,
    reason: 'account_deleted',
    request: ({ pair }) => ({ method: 'DELETE', path: '/auth/me', by: pair, body: { password: PASSWORD } }),
  },
};

t.test('a session that is ended during its refresh is never live afterwards', async (t) => {
  const stores = await postgresStores(t, 2 * AT_ONCE);
  if (stores === null) return;
  const meeting = meetings();
  const service = await startHttpService(t, {
    stores: meetingAt(stores, meeting.arrive),
    // All races come from one network.
    limits: { loginsOfNetwork: { count: 1_000_000, perMilliseconds: 60_000 } },
  });
  const register = registrar(stores);
  let races = 0;
  for (const [name, ending] of Object.entries(ENDINGS)) {
    await t.test(name, async (t) => {
      const firsts = new Set<string>();
      await runConcurrently(ending.races, async (race) => {
        const victim = await logInTwice(service, await register(), race);
        meeting.arrange(victim.userId);
        firsts.add(await runRace(t, service, ending, victim, race));
      });
      races += ending.races;
      t.same(
        [...firsts].sort(),
        ['the end', 'the refresh'],
        'in some races the refresh came first, in others the end',
      );
    });
  }
  t.equal(races, 1_000);
});

/**
 * Sends the refresh and the ending at the same time. Asserts that afterwards no token of the session is accepted.
 * Returns which of the two came first.
 */
async function runRace(t: Test, service: HttpService, ending: Ending, victim: Victim, race: number) {
  const { pair } = victim;
  const key = { 'idempotency-key': `race ${race}`.replace(' ', '-') };
  const [refreshed, ended] = await Promise.all([
    refresh(service, pair, key),
    send(service, ending.request(victim)),
  ]);
  const won = refreshed.status === 200;
  const pairs = won ? [pair, tokensIn(refreshed.body)] : [pair];
  // The replica knows the revocation from its feed, or reads the database.
  service.revoked.setComplete(race % 2 === 0);
  const after = [
    ...pairs.map((one) => refresh(service, one)),
    refresh(service, pair, key),
    ...pairs.map((by) => send(service, { method: 'GET', path: '/auth/me', by })),
  ];
  const outcomes = new Set((await Promise.all(after)).map(outcomeOf));
  const row = await service.families.find(sessionOf(pair));
  const seen = { ended: ended.status, refreshed: outcomeOf(refreshed), reason: row?.revoked?.reason };
  const wanted = { ended: 204, refreshed: won ? '200' : '401 session_revoked', reason: ending.reason };
  t.same(
    { ...seen, after: [...outcomes].sort() },
    { ...wanted, after: ['401 session_revoked', '401 unauthenticated'] },
    `race ${race}`,
  );
  return won ? 'the refresh' : 'the end';
}

/**
 * Two changes of one session wait for each other, then continue at the same time. Chance decides which one reaches the
 * database first, and how soon the other one follows.
 */
function meetings() {
  const arranged = new Map<string, (() => void)[]>();
  return {
    arrange: (userId: string) => void arranged.set(userId, []),
    async arrive(userId: string): Promise<void> {
      const waiting = arranged.get(userId);
      if (waiting === undefined) return;
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length < 2) return;
        arranged.delete(userId);
        for (const resume of waiting) resume();
      });
      for (let turns = randomInt(2) * randomInt(60); turns > 0; turns -= 1) await new Promise(setImmediate);
    },
  };
}

/** The stores. Each call that rotates or ends a session of a user first waits at the meeting. */
function meetingAt(stores: UserStores, arrive: (userId: string) => Promise<void>): UserStores {
  const { families, users } = stores;
  return {
    ...stores,
    families: {
      ...families,
      rotate: (...args) => arrive(args[0].expected.userId).then(() => families.rotate(...args)),
      revokeAll: (...args) => arrive(args[0]).then(() => families.revokeAll(...args)),
      async revoke(tokenFamily, ...rest) {
        const family = await families.find(tokenFamily);
        await arrive(family?.userId ?? '');
        return families.revoke(tokenFamily, ...rest);
      },
    },
    users: {
      ...users,
      changePassword: (...args) => arrive(args[0]).then(() => users.changePassword(...args)),
      remove: (...args) => arrive(args[0]).then(() => users.remove(...args)),
    },
  };
}

/** Returns a function that creates a user. All users share one password hash, because a hash takes time. */
function registrar({ users }: UserStores) {
  const hashed = passwordHasher().hash(PASSWORD, '203.0.113.1');
  return async (): Promise<string> => {
    const id = randomUUID();
    const username = `user-${id}`;
    const user = {
      id,
      username,
      email: `${id}@example.com`,
      emailVerifiedAt: null,
      roles: [],
      passwordHash: await hashed,
      createdAt: NOW,
    };
    await users.create(user, []);
    return id;
  };
}

async function logInTwice(service: HttpService, userId: string, race: number): Promise<Victim> {
  const binding = race % 3 === 0 ? 'refresh' : 'pair';
  const path = `/auth/login?userId=${userId}&binding=${binding}`;
  const logIn = async () => tokensIn((await send(service, { method: 'POST', path })).body);
  return { userId, pair: await logIn(), other: await logIn() };
}

function sessionOf({ access }: SessionTokens): string {
  return String(claimsOf(access).sid);
}

function refresh(service: HttpService, pair: SessionTokens, headers: Record<string, string> = {}) {
  const body = { refreshToken: pair.refresh, accessToken: pair.access };
  return send(service, { method: 'POST', path: '/auth/refresh', body, headers });
}

/** Sends a request to the HTTP server without a socket, because there are about ten thousand requests. */
async function send({ app }: HttpService, { method, path, by, body, headers }: RequestToSend) {
  const bearer = by && { authorization: `Bearer ${by.access}` };
  const answer = await app.inject({
    method,
    url: path,
    headers: { ...bearer, ...headers },
    ...(body && { payload: body }),
  });
  return { status: answer.statusCode, body: answer.body === '' ? {} : answer.json() };
}

/** Calls `run` for each index below `count`, with at most `AT_ONCE` calls running. */
async function runConcurrently(count: number, run: (index: number) => Promise<void>): Promise<void> {
  const indexes = Array.from({ length: count }, (_, index) => index).values();
  const worker = async () => {
    for (const index of indexes) await run(index);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
