import type { Test } from 'tap';
import { PASSWORD } from './passwords.ts';
import { requirePostgres, testDatabase } from './postgres.ts';
import { requirePrivateRedis, startPrivateRedis } from './redis.ts';
import { dataDir, startServiceInProcess } from './service-in-process.ts';

type Environment = Readonly<Record<string, string>>;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed JSON; undefined if the body is empty. */
  readonly body: unknown;
}

interface Tokens {
  readonly access: string;
  readonly refresh: string;
}

/** Encodes members as a body. */
export const ENCODINGS = {
  json: (members: object) => ({
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(members),
  }),
  form: (members: object) => ({ headers: {}, body: new URLSearchParams(Object.entries(members)) }),
  multipart: (members: object) => {
    const body = new FormData();
    for (const [name, value] of Object.entries(members)) body.set(name, String(value));
    return { headers: {}, body };
  },
} as const;

export type Encoding = keyof typeof ENCODINGS;

/** A client of the door `task-api`. */
export function taskClient(url: string) {
  /** Sends members in this encoding. The default is JSON. */
  async function ask(
    method: string,
    path: string,
    members?: object,
    { token = '', encoding = 'json' as Encoding } = {},
  ): Promise<Answer> {
    const { headers, body } = members === undefined ? { headers: {} } : ENCODINGS[encoding](members);
    const authorization = token === '' ? {} : { authorization: token };
    const init = { method, headers: { ...headers, ...authorization } };
    const response = await fetch(url + path, body === undefined ? init : { ...init, body });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : JSON.parse(text),
    };
  }

  async function logIn(username: string): Promise<Tokens> {
    return (await ask('POST', '/api/v1/login/', { username, password: PASSWORD })).body as Tokens;
  }

  return {
    ask,
    logIn,
    /** Registers a user and logs in. `ask` sends requests with the access token. */
    async registerAndLogIn(username: string) {
      const account = { username, email: `${username}@example.com`, password: PASSWORD };
      const { status } = await ask('POST', '/api/v1/register/', account);
      if (status !== 201) throw new Error(`Expected 201 for the registration, got ${status}`);
      const tokens = await logIn(username);
      const token = `Token ${tokens.access}`;
      const askAs = (method: string, path: string, members?: object, encoding: Encoding = 'json') =>
        ask(method, path, members, { token, encoding });
      return { ...tokens, token, ask: askAs };
    },
  };
}

/** Starts the whole service in this process, without mail. Resolves to its URL. */
export async function startWithoutMail(t: Test, env: Environment): Promise<string> {
  return (await startServiceInProcess(t, { MAIL: 'off', ...env })).url;
}

export async function startTaskApi(t: Test, env: Environment) {
  return taskClient(await startWithoutMail(t, env));
}

/**
 * The environment for a new PostgreSQL database and a new Redis. If one is missing, skips the test and
 * returns null.
 */
export async function postgresAndRedis(t: Test): Promise<Environment | null> {
  if (!(await requirePostgres(t)) || !requirePrivateRedis(t)) return null;
  const DATA_DIR = await dataDir(t);
  const redis = await startPrivateRedis(t);
  return { DATA_DIR, DATABASE_URL: await testDatabase(t), REDIS_URL: redis.url };
}
