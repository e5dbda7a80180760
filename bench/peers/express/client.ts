import { randomUUID } from 'node:crypto';
import type { Answer, RequestSpec, Scenario, Scenarios, Target } from '../../load/scenario.ts';

interface Pair {
  readonly access: string;
  readonly refresh: string;
}

const post = (path: string, body: object, headers: Readonly<Record<string, string>> = {}): RequestSpec => ({
  method: 'POST',
  path,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
});

function pairOf({ status, body }: Answer): Pair {
  if (status !== 200) throw new Error(`${status}: ${body}`);
  const { access, refresh } = JSON.parse(body) as Partial<Pair>;
  if (!access || !refresh) throw new Error(`not a pair: ${body}`);
  return { access, refresh };
}

async function send(target: Target, { method, path, headers = {}, body = '' }: RequestSpec): Promise<Answer> {
  const response = await fetch(new URL(path, target.url), { method, headers, body });
  return { status: response.status, body: await response.text() };
}

const openSession = (target: Target): RequestSpec =>
  post('/sessions', { userId: randomUUID() }, { 'x-api-key': target.serviceKey! });

const firstPair = async (target: Target): Promise<Pair> => pairOf(await send(target, openSession(target)));

const refresh: Scenario<Pair> = {
  begin: firstPair,
  ask: ({ refresh: refreshToken }) => post('/refresh', { refreshToken }),
  take(answer, before) {
    const pair = pairOf(answer);
    if (pair.refresh === before.refresh) throw new Error('the refresh token was not rotated');
    return pair;
  },
};

const login: Scenario<Target> = {
  begin: async (target) => target,
  ask: openSession,
  take(answer, target) {
    pairOf(answer);
    return target;
  },
};

const password: Scenario<{ readonly username: string; readonly password: string }> = {
  async begin(target) {
    const credentials = { username: randomUUID(), password: randomUUID() };
    const { status, body } = await send(target, post('/users', credentials));
    if (status !== 201) throw new Error(`${status}: ${body}`);
    return credentials;
  },
  ask: (credentials) => post('/login', credentials),
  take(answer, credentials) {
    pairOf(answer);
    return credentials;
  },
};

const bearer: Scenario<Pair> = {
  begin: firstPair,
  ask: ({ access }) => ({ method: 'GET', path: '/me', headers: { authorization: `Bearer ${access}` } }),
  take({ status, body }, pair) {
    if (status !== 200) throw new Error(`${status}: ${body}`);
    return pair;
  },
};

export const scenarios: Scenarios = { refresh, login, password, protected: bearer };
