import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { type Agent, request } from 'node:http';
import type { Compose } from './docker.ts';
import { until } from './progress.ts';

export const USER = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';

/** The password of each account. */
export const PASSWORD = 'a violet piano 42';

const README = readFileSync('README.md', 'utf8');

/** Values of `.env` in every test. Both differ from the defaults. */
export const ENV = { API_PORT: '8088', ACCESS_TOKEN_AGE: '14m' };

/** The published port of the mail catcher. */
export const MAIL_PORT = '18025';

const SERVICE = `http://127.0.0.1:${ENV.API_PORT}`;
const MAILS = `http://127.0.0.1:${MAIL_PORT}/api/v1/messages`;

export interface Pair {
  readonly access: string;
  readonly refresh: string;
}

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: object;
  readonly agent?: Agent;
}

export type Headers = Readonly<Record<string, string>>;

export async function checkTheft(headers: Headers): Promise<void> {
  const first = await logIn(headers);
  await checkReplay(first, pairOf(await refresh(first)));
  await until('the mail is there', async () => {
    const { total } = (await (await fetch(MAILS)).json()) as { total: number };
    return total >= 1;
  });
}

/** Presents a rotated token again. The session must end. */
export async function checkReplay(rotated: Pair, current: Pair): Promise<void> {
  const replay = await refresh(rotated);
  assert.deepEqual([replay.status, replay.body.code], [401, 'token_reused']);
  const victim = await refresh(current);
  assert.deepEqual([victim.status, victim.body.code], [401, 'session_revoked']);
}

export async function logIn(headers: Headers): Promise<Pair> {
  const answer = await send('POST', `/auth/login?userId=${USER}&email=ann@example.com`, { headers });
  const pair = pairOf(answer);
  assert.equal(answer.body.expiresIn, 840, 'the line of .env takes effect');
  return pair;
}

export function refresh({ refresh, access }: Pair): Promise<Answer> {
  return send('POST', `/auth/refresh?refreshToken=${refresh}&accessToken=${access}`);
}

/** The pair that a login or a refresh returned. */
export function pairOf({ status, body }: Answer): Pair {
  assert.equal(status, 200, JSON.stringify(body));
  return body as unknown as Pair;
}

/** Reads the service key whose scope is `login`, with the expression of README.md, and returns its header. */
export function readServiceKey(compose: Compose): Headers {
  const [, expression] = /exec -T app sed -n '(.+)' \/run\/secrets\/service_api_keys\)/.exec(README) ?? [];
  assert.ok(expression, 'README.md has the expression');
  const key = compose
    .read('exec', '-T', 'app', 'sed', '-n', expression, '/run/secrets/service_api_keys')
    .trim();
  return { 'x-api-key': key };
}

/** Checks that the console is served on this port of the host. */
export async function checkConsole(port: string): Promise<void> {
  const { status } = await fetch(`http://127.0.0.1:${port}/console`);
  assert.equal(status, 200);
}

export async function register(username: string): Promise<void> {
  const body = { username, email: `${username}@example.com`, password: PASSWORD };
  const answer = await send('POST', '/auth/register', { body });
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
}

export function send(method: string, path: string, { headers, body, agent }: Sent = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const type = body && { 'content-type': 'application/json' };
    const options = { method, headers: { ...headers, ...type }, agent: agent ?? false };
    const sent = request(new URL(path, SERVICE), options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }));
      response.on('error', reject);
    });
    sent.on('error', reject).end(body && JSON.stringify(body));
  });
}
