import { randomUUID } from 'node:crypto';
import t from 'tap';
import { moveFailedPasswordCounts } from '../../src/app/audit/move-failed-password-counts.ts';
import type { AuditEvent } from '../../src/domain/audit.ts';
import { StoreUnavailable } from '../../src/ports/stores/store-unavailable.ts';
import { countsOf } from '../support/exposition.ts';
import { addAuthenticatorApp, logIn, registerAndLogIn } from '../support/factors.ts';
import { NOW } from '../support/families.ts';
import { claimsOf } from '../support/forge.ts';
import { type HttpService, startHttpService } from '../support/http.ts';
import { ELSEWHERE } from '../support/sessions.ts';
import { waitUntil } from '../support/wait-until.ts';

const NDJSON = 'application/x-ndjson';

/** A user agent that tries to begin a new line, and that is a formula in a spreadsheet. */
const HOSTILE = '=cmd|x!A1","type":"users.deleted"}\n{"id":1\u2028\u0085';

async function readAudit({ send, adminKey }: HttpService, query = '') {
  const { status, body } = await send(`/admin/audit${query}`, { headers: { 'x-api-key': adminKey } });
  return { status, data: (body.data ?? []) as Record<string, unknown>[], nextCursor: body.nextCursor };
}

async function readStream({ url, adminKey }: HttpService, query = '') {
  const headers = { 'x-api-key': adminKey, accept: NDJSON };
  const response = await fetch(new URL(`/admin/audit${query}`, url), { headers });
  return { type: response.headers.get('content-type'), text: await response.text() };
}

t.test('each filter selects the events that match it', async (t) => {
  const service = await startHttpService(t);
  const { time } = service;
  const [one, other] = [randomUUID(), randomUUID()];
  const pair = await service.logIn({ userId: one });
  time.now += 1_000;
  await service.logIn({ userId: other });
  time.now += 1_000;
  await service.refresh(pair, { client: ELSEWHERE });
  const types = async (query: string) => (await readAudit(service, query)).data.map(({ type }) => type);
  t.same(await types(''), ['sessions.started', 'sessions.started', 'sessions.address_changed']);
  t.same(await types('?type=sessions.address_changed'), ['sessions.address_changed']);
  t.same(await types(`?user=${other}`), ['sessions.started']);
  t.same(await types(`?session=${claimsOf(pair.access).sid}&type=sessions.started`), ['sessions.started']);
  const at = (milliseconds: number) => encodeURIComponent(new Date(milliseconds).toISOString());
  t.same(await types(`?from=${at(time.now)}`), ['sessions.address_changed'], 'from is part of the range');
  t.same((await types(`?to=${at(time.now)}`)).length, 2, 'to is not part of the range');
});

t.test('with order=newest the pages contain each event once, newest first', async (t) => {
  const service = await startHttpService(t);
  const { time } = service;
  for (let n = 0; n < 5; n += 1) {
    time.now += n % 2 === 0 ? 1_000 : 0;
    await service.logIn();
  }
  const seen: Record<string, unknown>[] = [];
  let cursor: unknown;
  do {
    const query = `?order=newest&limit=2${cursor === undefined ? '' : `&cursor=${cursor}`}`;
    const page = await readAudit(service, query);
    seen.push(...page.data);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  const { data } = await readAudit(service);
  t.same(
    seen.map(({ id }) => id),
    data.map(({ id }) => id).reverse(),
  );
  t.equal(seen.length, 5);
  t.equal((await readAudit(service, '?order=random')).status, 400);
});

t.test('a filter with an invalid value is refused', async (t) => {
  const service = await startHttpService(t);
  await service.logIn();
  for (const query of [
    "?type=' OR 1=1 --",
    '?type=A',
    '?type=sessions.reuse_detecte',
    '?user=1',
    '?session=*',
    '?from=yesterday',
    '?to=1',
    '?limit=1000',
    '?type=a&type=b',
    '?cursor=zzz',
  ])
    t.equal((await readAudit(service, query)).status, 400, query);
});

t.test('the stream has each event once, one event on each line', async (t) => {
  const service = await startHttpService(t);
  for (let n = 0; n < 1_003; n += 1) {
    const client = { address: '203.0.113.1', userAgent: n === 500 ? HOSTILE : 'test/1' };
    await service.logIn({ client });
  }
  const { type, text } = await readStream(service, '?limit=1');
  t.equal(type, NDJSON);
  const events = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.equal(new Set(events.map(({ id }) => id)).size, 1_003);
  t.same([...new Set(events.map((event) => event.type))], ['sessions.started']);
  t.equal(events.filter(({ userAgent }) => userAgent === HOSTILE).length, 1);
  t.notMatch(text, /[\u0085\u2028]/, 'no other line ends');
});

t.test('HEAD of the stream reads no event', async (t) => {
  let reads = 0;
  const events = {
    [Symbol.asyncIterator]: () => ({
      async next() {
        reads += 1;
        return { done: true as const, value: undefined };
      },
    }),
  };
  const service = await startHttpService(t, { http: { streamAuditEvents: async () => events } });
  const headers = { 'x-api-key': service.adminKey, accept: NDJSON };
  const url = new URL('/admin/audit', service.url);
  const head = await fetch(url, { method: 'HEAD', headers });
  t.equal(head.status, 200);
  t.equal(head.headers.get('content-type'), NDJSON);
  t.equal(reads, 0);
  await (await fetch(url, { headers })).text();
  t.equal(reads, 1);
});

t.test('a stream that the database cuts off is logged with its cause, and counted', async (t) => {
  const service = await startHttpService(t);
  await service.logIn();
  const { auditLog, lines: log, metrics } = service;
  const { events } = await auditLog.list({}, { limit: 1, after: null });
  const failure = new StoreUnavailable('nothing', new Error('the connection was reset'));
  let isFirst = true;
  auditLog.list = async () => {
    if (!isFirst) throw failure;
    isFirst = false;
    // More than a connection buffers, so that a part of it is sent before the failure.
    const many = Array.from({ length: 5_000 }, () => events[0] as AuditEvent);
    return { events: many, next: { occurredAt: NOW, id: randomUUID() } };
  };
  await t.rejects(readStream(service), 'the answer has no end');
  await waitUntil(() =>
    log.some((line) => line.includes('the connection was closed before the end of the answer')),
  );
  const cut = log.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'answer cut off');
  t.equal(cut.length, 1);
  t.match(cut[0], { level: 40, err: { type: 'StoreUnavailable' } });
  const counts = await countsOf(metrics, 'http_requests_total');
  t.equal(counts['{method="GET",path="/admin/audit",status="200"}'], 1);
});

t.test(
  'a user sees only their own activity, newest first, without the facts that are for operators',
  async (t) => {
    const service = await startHttpService(t);
    const [userId, stranger] = [randomUUID(), randomUUID()];
    const pair = await service.logIn({ userId });
    await service.logIn({ userId: stranger });
    service.time.now += 1_000;
    await service.refresh(pair, { client: ELSEWHERE });
    const headers = { authorization: `Bearer ${pair.access}` };
    const { body } = await service.send(`/auth/activity?userId=${stranger}&user=${stranger}`, { headers });
    t.match(body, {
      items: [{ type: 'sessions.address_changed', by: 'user' }, { type: 'sessions.started' }],
    });
    t.equal((body.items as unknown[]).length, 2);
    t.notMatch(JSON.stringify(body), /presented|generation|clientId|door/);
    t.equal((await service.send('/auth/activity')).status, 401);
  },
);

t.test('a wrong second step is recorded for its account', async (t) => {
  const service = await startHttpService(t);
  const ann = await registerAndLogIn(service);
  const app = await addAuthenticatorApp(service, ann);
  const { challenge } = (await logIn(service, 'ann')).body;
  const code = app.code() === '000000' ? '000001' : '000000';
  t.equal((await service.post('/auth/login/second-factor', { challenge, code })).status, 401);
  const { data } = await readAudit(service, '?type=users.proof_refused');
  t.match(data, [{ userId: ann.id, actor: { kind: 'user' } }]);
  t.equal(data.length, 1);
});

t.test('no token and no password is in the audit log', async (t) => {
  const service = await startHttpService(t);
  const password = 'a canary password 42';
  await service.post('/auth/register', { username: 'ann', email: 'ann@example.com', password });
  const { body } = await service.post('/auth/login', { username: 'ann', password });
  const { body: next } = await service.post('/auth/refresh', {
    refreshToken: body.refresh,
    accessToken: body.access,
  });
  await service.post('/auth/refresh', { refreshToken: body.refresh, accessToken: body.access });
  const { text } = await readStream(service);
  t.match(text, /sessions\.started/);
  for (const secret of [password, 'ann@example.com', body.refresh, body.access, next.refresh, next.access])
    t.ok(typeof secret === 'string' && !text.includes(secret));
});

t.test(
  'a wrong password is in the audit log a minute later, with the account but never with the typed name',
  async (t) => {
    const service = await startHttpService(t);
    const ann = await registerAndLogIn(service);
    await logIn(service, 'ann', 'a wrong piano 42');
    await logIn(service, 'canary-name', 'a wrong piano 42');
    service.time.now += 60_000;
    await moveFailedPasswordCounts({ auditLog: service.auditLog, clock: service.clock })();
    const { data } = await readAudit(service, '?type=users.password_failed');
    t.same(
      data.map(({ userId, data: facts }) => [userId, facts]).sort(),
      [
        [ann.id, { count: 1 }],
        [null, { count: 1, subject: 'unknown' }],
      ].sort(),
    );
    t.notMatch(JSON.stringify(data), /canary/);
  },
);
