/**
 * `npm run bench:first-requests`: measures the first request of each route after a start on a migrated database. Sends
 * each GET and POST request of docs/openapi.json twice, with its example body, and prints the slowest first answers.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { openDatabases } from './contestants/databases.ts';
import type { Pair } from './contestants/kinship/client.ts';
import { startKinship } from './contestants/kinship/server.ts';
import { median } from './measure/statistics.ts';
import { describeMachine, say } from './report/machine.ts';

interface Operation {
  readonly requestBody?: {
    readonly content: Readonly<
      Record<string, { example?: object; examples?: Record<string, { value: object }> }>
    >;
  };
}

interface Timed {
  readonly milliseconds: number;
  readonly status: number;
}

const SHOWN = 10;
/** Requests that load the HTTP client of this process. Their route is not measured. */
const WARM_UPS = 20;
const WARM_UP_PATH = '/health/live';
const SCOPES = 'login+admin+introspect+verify+metrics+signals';
const KEY = randomBytes(32).toString('base64url');
const OPENAPI = new URL('../docs/openapi.json', import.meta.url);
const { paths } = JSON.parse(readFileSync(OPENAPI, 'utf8')) as {
  paths: Readonly<Record<string, { get?: Operation; post?: Operation }>>;
};

const databases = await openDatabases();
const databaseUrl = await databases.create('first_requests');
await (await startKinship(databaseUrl)).stop(); // it migrates the database
const service = await startKinship(databaseUrl, {
  env: { SERVICE_API_KEYS: `bench:${SCOPES}:${KEY}`, FRONT_DOORS: 'session-id,cookie-pair,task-api' },
});
const { url } = service.target;
for (let count = 0; count < WARM_UPS; count += 1)
  await fetch(new URL(WARM_UP_PATH, url)).then((it) => it.text());

/** The session whose access token the requests carry. No request ends it. */
let bearer: Pair = { access: '', refresh: '' };
/** The session whose tokens are in the bodies. */
let inBodies = bearer;
const logInPath = `/auth/login?userId=${randomUUID()}`;
const rows = [await measure('POST', logInPath)];

for (const [path, { get, post }] of Object.entries(paths)) {
  if (get !== undefined && path !== WARM_UP_PATH) rows.push(await measure('GET', path));
  if (post !== undefined) rows.push(await measure('POST', path, post));
}
await service.stop();
await databases.remove();

rows.sort((a, b) => b.first.milliseconds - a.first.milliseconds);
const formatTimed = ({ milliseconds, status }: Timed) => `${milliseconds.toFixed(1)} | ${status}`;
say(`${describeMachine()}; ready after ${service.readyAfter.toFixed(0)} ms\n`);
say('| request | first, ms | status | second, ms | status |');
say('| --- | ---: | ---: | ---: | ---: |');
for (const { name, first, second } of rows.slice(0, SHOWN))
  say(`| ${name} | ${formatTimed(first)} | ${formatTimed(second)} |`);
const medianOf = (which: 'first' | 'second') => median(rows.map((row) => row[which].milliseconds)).toFixed(1);
say(`\nmedian of ${rows.length} requests: first ${medianOf('first')} ms, second ${medianOf('second')} ms`);
process.exit(0);

async function measure(method: string, path: string, operation: Operation = {}) {
  const name = `${method} ${path === logInPath ? '/auth/login by user id' : path}`;
  return { name, first: await send(method, path, operation), second: await send(method, path, operation) };
}

/** Returns the time until the whole answer, or until the head of an answer that is a stream. */
async function send(method: string, path: string, operation: Operation): Promise<Timed> {
  const target = new URL(path.replaceAll(/\{\w+\}/g, randomUUID()), url);
  const isPage = method === 'GET' && path.startsWith('/auth/');
  if (isPage) target.searchParams.set('token', 'unknown');
  const headers = new Headers({ 'x-api-key': KEY });
  if (bearer.access !== '' && path !== logInPath) headers.set('authorization', `Bearer ${bearer.access}`);
  const body = bodyOf(operation, headers);
  const leaving = new AbortController();
  const started = performance.now();
  const response = await fetch(target, {
    method,
    headers,
    redirect: 'manual',
    signal: leaving.signal,
    ...(body !== undefined && { body }),
  });
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
  const text = isStream ? '' : await response.text();
  const milliseconds = performance.now() - started;
  leaving.abort();
  if (response.status === 200 && path === logInPath) [inBodies, bearer] = [bearer, JSON.parse(text)];
  if (response.status === 200 && path === '/auth/refresh') inBodies = JSON.parse(text);
  return { milliseconds, status: response.status };
}

/** Returns the example body of the document, with the tokens of a session. Sets the content type. */
function bodyOf({ requestBody }: Operation, headers: Headers): string | undefined {
  const [type, media] = Object.entries(requestBody?.content ?? {})[0] ?? [];
  if (type === undefined) return undefined;
  headers.set('content-type', type);
  const example = { ...(media?.example ?? Object.values(media?.examples ?? {})[0]?.value) };
  const tokens = {
    refreshToken: inBodies.refresh,
    refresh_token: inBodies.refresh,
    accessToken: inBodies.access,
  };
  for (const [name, token] of Object.entries(tokens))
    if (name in example) Object.assign(example, { [name]: token });
  return type === 'application/json' ? JSON.stringify(example) : `${new URLSearchParams({ ...example })}`;
}
