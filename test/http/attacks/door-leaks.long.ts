import { randomUUID } from 'node:crypto';
import t from 'tap';
import { connect } from '../../../src/adapters/postgres/connect.ts';
import { browser, cookiesOf } from '../../support/browser.ts';
import { startCollector } from '../../support/collector.ts';
import { claimsOf } from '../../support/forge.ts';
import { createLeakCheck, dump, secretParts, spellings, textOf } from '../../support/leaks.ts';
import { requirePostgres, testDatabase } from '../../support/postgres.ts';
import { dataDir, startServiceInProcess } from '../../support/service-in-process.ts';
import { type Operation, readOperations } from '../../support/service-on-database.ts';

const PASSWORD = 'Canary violet piano 42';

interface Tokens {
  readonly access: string;
  readonly refresh: string;
}

/** One front door. Opens a session for `null`, and refreshes with given tokens. Returns null if the door refuses. */
type Ask = (tokens: Tokens | null) => Promise<Tokens | null>;

/** Opens two sessions. One stays live. In the other, a used token is replayed. */
async function openTwoSessions(ask: Ask) {
  const good = async (tokens: Tokens | null): Promise<Tokens> => {
    const answered = await ask(tokens);
    if (answered === null) throw new Error('The door returned no tokens.');
    return answered;
  };
  const [first, old] = [await good(null), await good(null)];
  const [live, successor] = [await good(first), await good(old)];
  if ((await ask(old)) !== null) throw new Error('A replayed token was accepted.');
  return { first, live, old, successor };
}

const atSessionId = (url: string) =>
  openTwoSessions(async (tokens) => {
    const body = tokens && { session_id: claimsOf(tokens.access).session_id, refresh_token: tokens.refresh };
    const [path, json] = body ? ['refresh', body] : ['login', { guid: randomUUID() }];
    const { status, text } = await browser(url).ask('POST', `/api/v1/auth/${path}`, { json });
    const { access_token: access, refresh_token: refresh } = JSON.parse(text);
    return status === 200 ? { access, refresh } : null;
  });

const atCookiePair = (url: string) =>
  openTwoSessions(async (tokens) => {
    const cookie = tokens ? `access_token=${tokens.access}; refresh_token=${tokens.refresh}` : '';
    const path = tokens ? '/refresh' : `/${randomUUID()}`;
    const answer = await browser(url).ask('GET', path, { headers: { cookie } });
    const { access_token: access, refresh_token: refresh } = cookiesOf(answer);
    return access && refresh ? { access: access.value, refresh: refresh.value } : null;
  });

async function atTaskApi(url: string) {
  const ask = async (path: string, json: object) => {
    const { status, text } = await browser(url).ask('POST', `/api/v1/${path}/`, { json });
    return status < 300 ? (JSON.parse(text) as Tokens) : null;
  };
  const ann = { username: 'ann', password: PASSWORD };
  await ask('register', { ...ann, email: 'ann@example.com' });
  return openTwoSessions((tokens) =>
    tokens ? ask('refresh', { refresh: tokens.refresh }) : ask('login', ann),
  );
}

/** The secrets that no answer may repeat. A session id is not among them. */
function secretsOf(door: string, found: Readonly<Record<string, Tokens>>): Record<string, string> {
  const each = Object.entries(found).map(([name, { access, refresh }]) => {
    const token = refresh.includes('.') ? refresh : Buffer.from(refresh, 'base64').toString();
    const called = `${door}, ${name}`;
    return { [`${called}, access`]: access, [`${called}, refresh`]: refresh, ...secretParts(called, token) };
  });
  return Object.assign({}, ...each);
}

/** Requests with a secret in each member, cookie and header of the doors, also in wrong places. */
function* placements({ method, path }: Operation, secret: string): Generator<[string, RequestInit]> {
  const url = path.replace(/\{\w+\}/g, encodeURIComponent(secret));
  const members = ['guid', 'session_id', 'refresh_token', 'access_token', 'refresh', 'access', 'text'];
  const cookies = ['session_refresh', 'access_token', 'refresh_token'].map((name) => `${name}=${secret}`);
  for (const cookie of [...cookies, cookies.join('; '), `${cookies.join('; ')}; ${cookies.join('; ')}`])
    yield [url, { method, headers: { cookie } }];
  for (const scheme of ['Token', 'Bearer', secret])
    yield [url, { method, headers: { authorization: `${scheme} ${secret}x` } }];
  yield [`${url}?${members.map((name) => `${name}=${encodeURIComponent(secret)}`).join('&')}`, { method }];
  if (method === 'GET') return;
  const json = { 'content-type': 'application/json' };
  for (const name of members) {
    const wrong = { [name]: secret };
    yield [url, { method, headers: json, body: JSON.stringify(wrong) }];
    yield [url, { method, headers: json, body: JSON.stringify({ [name]: [secret] }) }];
    yield [url, { method, headers: json, body: JSON.stringify({ ...wrong, session_id: randomUUID() }) }];
    yield [url, { method, body: new URLSearchParams(wrong) }];
    const parts = new FormData();
    parts.append(name, secret);
    yield [url, { method, body: parts }];
  }
}

t.test(
  'no secret of a front door is in an answer, the metrics, the log, the spans or the database',
  async (t) => {
    if (!(await requirePostgres(t))) return;
    const collector = await startCollector(t);
    const [DATA_DIR, DATABASE_URL] = [await dataDir(t), await testDatabase(t)];
    const env = { DATA_DIR, DATABASE_URL, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, RATE_LIMIT: '10000' };
    const { url, lines, close } = await startServiceInProcess(t, env);

    const doors = {
      'session-id': await atSessionId(url),
      'cookie-pair': await atCookiePair(url),
      'task-api': await atTaskApi(url),
    };
    const ofDoors = Object.entries(doors).map(([door, found]) => secretsOf(door, found));
    const secrets: Record<string, string> = Object.assign({ password: PASSWORD }, ...ofDoors);
    t.ok(Object.keys(secrets).length > 40, `${Object.keys(secrets).length} secrets`);

    const leakCheck = createLeakCheck(t, { lines }, secrets);
    const send = async (path: string) => ({ body: await (await fetch(url + path)).json() });
    const operations = (await readOperations({ send } as Parameters<typeof readOperations>[0])).filter(
      ({ path }) => /^\/(?:api\/v1\/|refresh$|\{guid\}$)/.test(path),
    );
    t.ok(operations.length > 12, `${operations.length} routes`);
    // These tokens were used, or their session has ended. A door would accept good tokens in their own place.
    const used = Object.values(doors).flatMap(({ old, successor }) => [old.refresh, successor.access]);
    for (const secret of used) {
      for (const operation of operations) {
        for (const [path, init] of placements(operation, secret)) {
          const answer = await textOf(await fetch(url + path, { ...init, redirect: 'manual' }));
          leakCheck.answer(`${operation.method} ${operation.path}`, answer);
        }
      }
    }

    const findSecrets = (text: string) =>
      Object.keys(secrets).filter((name) => text.includes(secrets[name] ?? ''));
    const metrics = await (await fetch(`${url}/metrics`)).text();
    t.match(metrics, 'auth_refresh_failed_total{reason="token_reused"} ');
    t.same(findSecrets(metrics), [], 'the metrics');
    await close();
    leakCheck.log();
    t.ok(collector.spans.some(({ name }) => name === 'POST /api/v1/auth/refresh'));
    t.same(findSecrets(collector.bodies.join('\n')), [], 'the spans');

    const sql = connect({ kind: 'url', url: DATABASE_URL, pool: 2 });
    t.teardown(() => sql.end());
    const events = await sql`select 1 from outbox where type = 'sessions.reuse_detected'`;
    t.ok(events.length >= 3, 'each door has reported reuse');
    t.same(
      findSecrets((await dump(sql)).flatMap(spellings).join('\n')),
      [],
      'the database, with all events in it',
    );
  },
);
