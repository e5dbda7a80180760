import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { createLog } from '../../src/adapters/telemetry/log.ts';
import { compose } from '../../src/compose.ts';
import { readConfig } from '../../src/config.ts';
import { PASSWORD } from './passwords.ts';
import { requirePostgres, testDatabase } from './postgres.ts';
import { requirePrivateRedis, startPrivateRedis } from './redis.ts';

type Environment = Readonly<Record<string, string>>;
type T = Pick<Test, 'teardown' | 'plan'>;

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
    /** Registers a user and logs in. `as` sends requests with the access token. */
    async join(username: string) {
      const account = { username, email: `${username}@example.com`, password: PASSWORD };
      const { status } = await ask('POST', '/api/v1/register/', account);
      if (status !== 201) throw new Error(`Expected 201 for the registration, got ${status}`);
      const tokens = await logIn(username);
      const token = `Token ${tokens.access}`;
      const askAs = (method: string, path: string, members?: object, encoding: Encoding = 'json') =>
        ask(method, path, members, { token, encoding });
      return { ...tokens, token, as: askAs };
    },
  };
}

/** Starts the whole service in this process, with this environment, on a real socket. Resolves to its URL. */
export async function listening(t: T, env: Environment): Promise<string> {
  const config = await readConfig({ API_PORT: '0', MAIL: 'off', ...env });
  const service = await compose(config, createLog('silent'), { limits: { drain: 0 } });
  t.teardown(() => service.close());
  return service.app.listen(config.http);
}

export async function startTaskApi(t: T, env: Environment) {
  return taskClient(await listening(t, env));
}

/** The environment for a new data folder. The folder is removed after the teardowns that were registered later. */
export async function dataFolder(t: T): Promise<Environment> {
  const folder = await mkdtemp(join(tmpdir(), 'kinship-data-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return { DATA_DIR: folder };
}

/**
 * The environment for a new PostgreSQL database and a new Redis. If one is missing, skips the test and
 * returns null.
 */
export async function postgresAndRedis(t: T): Promise<Environment | null> {
  if (!(await requirePostgres(t)) || !requirePrivateRedis(t)) return null;
  const folder = await dataFolder(t);
  const redis = await startPrivateRedis(t);
  return { ...folder, DATABASE_URL: await testDatabase(t), REDIS_URL: redis.url };
}
