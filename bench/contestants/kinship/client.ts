import { randomUUID } from 'node:crypto';
import { type Connection, openConnection } from '../../load/connection.ts';
import type { Answer, RequestSpec, Scenario, Scenarios, Target } from '../../load/scenario.ts';

export interface Pair {
  readonly access: string;
  readonly refresh: string;
}

const JSON_BODY = { 'content-type': 'application/json' };
const PASSWORD = 'a violet piano 42';

/** Each client chains its refreshes, both tokens in the body. */
export const refresh: Scenario<Pair> = {
  begin: logIn,
  ask: ({ access, refresh }) => ({
    method: 'POST',
    path: '/auth/refresh',
    headers: JSON_BODY,
    body: `{"refreshToken":"${refresh}","accessToken":"${access}"}`,
  }),
  take: pairOf,
};

const refreshByQuery: Scenario<Pair> = {
  ...refresh,
  ask: ({ access, refresh }) => ({
    method: 'POST',
    path: `/auth/refresh?refreshToken=${refresh}&accessToken=${access}`,
  }),
};

/** A new session of a new user each time. */
const login: Scenario<Target> = {
  begin: async (target) => target,
  ask: byUserId,
  take: (answer, target) => {
    pairOf(answer);
    return target;
  },
};

/** A user with a network of its own: password hashes of one network wait in one queue. */
interface User {
  readonly username: string;
  readonly headers: RequestSpec['headers'] & object;
}

/** Each client logs in from a network of its own, as most users do. */
const password: Scenario<User> = {
  async begin(target, client) {
    const headers = { ...JSON_BODY, 'x-forwarded-for': `198.51.100.${client}` };
    const username = `u${randomUUID()}`;
    const account = { username, email: `${username}@example.com`, password: PASSWORD };
    const body = JSON.stringify(account);
    const { status } = await once(target, { method: 'POST', path: '/auth/register', headers, body });
    if (status !== 201) throw new Error(`register answered ${status}`);
    return { username, headers };
  },
  ask: ({ username, headers }) => ({
    method: 'POST',
    path: '/auth/login',
    headers,
    body: JSON.stringify({ username, password: PASSWORD }),
  }),
  take: (answer, user) => {
    pairOf(answer);
    return user;
  },
};

/** A protected route: it verifies the access token and returns its user. */
const whoami: Scenario<Pair> = {
  begin: logIn,
  ask: ({ access }) => ({
    method: 'GET',
    path: '/auth/verify',
    headers: { authorization: `Bearer ${access}` },
  }),
  take: (answer, pair) => {
    assertStatus(answer, 200, 204);
    return pair;
  },
};

export const scenarios: Scenarios = { refresh, refreshByQuery, login, password, protected: whoami };

export async function logIn(target: Target): Promise<Pair> {
  return pairOf(await once(target, byUserId(target)));
}

function byUserId({ serviceKey = '' }: Target): RequestSpec {
  return { method: 'POST', path: `/auth/login?userId=${randomUUID()}`, headers: { 'x-api-key': serviceKey } };
}

async function once({ url }: Target, ask: RequestSpec): Promise<Answer> {
  const connection: Connection = await openConnection(url);
  const answer = await connection.ask(ask);
  connection.close();
  return answer;
}

function pairOf(answer: Answer): Pair {
  assertStatus(answer, 200);
  return JSON.parse(answer.body);
}

function assertStatus({ status, body }: Answer, ...statuses: number[]): void {
  if (!statuses.includes(status)) throw new Error(`answered ${status}: ${body}`);
}
