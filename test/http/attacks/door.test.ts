import { setTimeout as sleep } from 'node:timers/promises';
import { createLoginAuthorizer } from '../../../src/adapters/http/server/authorize-login.ts';
import { claimsOf } from '../../support/forge.ts';
import { answerOn, rawConnection, rawRequest, sendRaw } from '../../support/raw-http.ts';
import {
  assertRefreshable,
  assertUnchanged,
  databaseTest,
  outboxLinesOf,
  refusal,
  serviceOnDatabase,
} from '../../support/service-on-database.ts';

const USER = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';
const LOGIN = `POST /auth/login?userId=${USER}`;
const HOST = 'Host: localhost';
const CLOSE = 'Connection: close';
const JSON_TYPE = 'Content-Type: application/json';

/** The headers have 12,000 bytes, so that the limit on their size is not reached. */
const manyHeaders = Array.from({ length: 2_000 }, () => 'A: b');

const login = (headers: readonly string[], body = '') => rawRequest(LOGIN, headers, body);

databaseTest('ambiguous requests are refused', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const hidden = rawRequest(LOGIN, [HOST]);
  const chunked = `2\r\n{}\r\n0\r\n\r\n`;
  const head = [HOST, CLOSE, JSON_TYPE];
  const requests: Record<string, string> = {
    'Content-Length and Transfer-Encoding': login(
      [...head, 'Content-Length: 5', 'Transfer-Encoding: chunked'],
      `0\r\n\r\n${hidden}`,
    ),
    'Transfer-Encoding and Content-Length': login(
      [...head, 'Transfer-Encoding: chunked', 'Content-Length: 5'],
      `0\r\n\r\n${hidden}`,
    ),
    'two Content-Length, one value': login([...head, 'Content-Length: 2', 'Content-Length: 2'], '{}'),
    'two Content-Length, two values': login(
      [...head, 'Content-Length: 2', `Content-Length: ${2 + hidden.length}`],
      `{}${hidden}`,
    ),
    'a list of lengths': login([...head, 'Content-Length: 2, 2'], '{}'),
    'a length with a sign': login([...head, 'Content-Length: +2'], '{}'),
    'a length below zero': login([...head, 'Content-Length: -2'], '{}'),
    'a length in hex': login([...head, 'Content-Length: 0x2'], '{}'),
    'an unknown transfer coding': login([...head, 'Transfer-Encoding: xchunked'], chunked),
    'chunked, but not as the last coding': login([...head, 'Transfer-Encoding: chunked, identity'], chunked),
    'a blank before the colon': login([...head, 'Transfer-Encoding : chunked'], chunked),
    'an invalid chunk size': login([...head, 'Transfer-Encoding: chunked'], `x\r\n{}\r\n0\r\n\r\n`),
    'a chunk size of more than 64 bits': login(
      [...head, 'Transfer-Encoding: chunked'],
      `ffffffffffffffff1\r\n{}\r\n0\r\n\r\n`,
    ),
    'a bare LF after a chunk size': login([...head, 'Transfer-Encoding: chunked'], `2\n{}\r\n0\r\n\r\n`),
    'bare LFs throughout': login([HOST, CLOSE]).replaceAll('\r\n', '\n'),
    'a bare LF after the request line': login([HOST, CLOSE]).replace('\r\n', '\n'),
    'a bare LF between headers': login([`${HOST}\nX-Other: 1`, CLOSE]),
    'a bare LF at the end of the headers': login([HOST, CLOSE]).replace(/\r\n$/, '\n'),
    'a bare CR between headers': login([`${HOST}\rX-Other: 1`, CLOSE]),
    'a folded header': login([HOST, CLOSE, 'User-Agent: one\r\n two']),
    'a header without a name': login([HOST, CLOSE, ': nothing']),
    'a header without a colon': login([HOST, CLOSE, 'nothing']),
    'a NUL in a header': login([HOST, CLOSE, 'User-Agent: one\0two']),
    'a blank before the first header': login([` ${HOST}`, CLOSE]),
    'two Host headers': login([HOST, 'Host: evil.example', CLOSE]),
    'one Host twice': login([HOST, HOST, CLOSE]),
    'two Host headers in two spellings': login([HOST, 'hOST: localhost', CLOSE]),
    'a second Host header behind 2,000 others': login([HOST, CLOSE, ...manyHeaders, 'Host: evil.example']),
    'a Host that is no host': login(['Host: a b', CLOSE]),
    'a Host with markup': login(['Host: <script>', CLOSE]),
    'a Host with a user': login(['Host: evil@localhost', CLOSE]),
    'a Host with a path': login(['Host: localhost/evil', CLOSE]),
    'two hosts in one header': login(['Host: localhost, evil.example', CLOSE]),
    'no Host header': login([CLOSE]),
    'another protocol version': login([HOST, CLOSE]).replace('HTTP/1.1', 'HTTP/3.0'),
    'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'the beginning of TLS': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  };
  for (const [name, request] of Object.entries(requests)) {
    const answer = await assertUnchanged(t, sql, () => sendRaw(service.url, request), name);
    t.equal(answer.outcome, refusal.request, name);
    t.equal(answer.answers, 1, `${name}: one answer`);
  }
  const accepted = await sendRaw(service.url, login([HOST, CLOSE, JSON_TYPE, 'Content-Length: 2'], '{}'));
  t.equal(accepted.outcome, '200', 'the same request in a valid form logs in');
});

databaseTest('requests in one packet are answered in their order', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const quick = rawRequest('GET /health/live', [HOST]);
  const slow = login([HOST]);
  const last: Readonly<Record<string, readonly [request: string, answer: string]>> = {
    'bytes that are no request': ['nonsense\r\n\r\n', '400 invalid_request'],
    'an expectation': [rawRequest('GET /health/live', [HOST, 'Expect: nothing']), '400 invalid_request'],
    'a tunnel': [rawRequest('CONNECT evil.example:443', [HOST]), '404 not_found'],
    'large headers': [
      rawRequest('GET /health/live', [HOST, `X: ${'x'.repeat(20_000)}`]),
      '431 headers_too_large',
    ],
    'a broken chunk': [
      login([HOST, JSON_TYPE, 'Transfer-Encoding: chunked'], 'x\r\n'),
      '400 invalid_request',
    ],
    'two Host headers': [login([HOST, HOST, CLOSE]), '400 invalid_request'],
  };
  for (const [name, [request, answer]] of Object.entries(last)) {
    const { text } = await sendRaw(service.url, `${slow}${quick}${slow}${request}`);
    const answers = text.split(/(?=HTTP\/1\.1 \d{3} )/).map((one) => {
      const [, code = ''] = /"code":"(\w+)"/.exec(one) ?? [];
      return `${one.slice(9, 12)} ${code}`.trim();
    });
    t.same(answers, ['200', '200', '200', answer], name);
  }
});

/**
 * A client that sends some bytes at the start and then more, slowly. It ignores answers and never closes the
 * connection.
 */
function slowClient(url: string, bytes: string, more: string) {
  const socket = rawConnection(url, { allowHalfOpen: true });
  if (bytes !== '') socket.write(bytes);
  let next = more;
  const drip = setInterval(() => socket.write(next), 50);
  const answer = answerOn(socket).finally(() => {
    next = 'still here';
  });
  // once() would reject because of the error of a write to a closed connection.
  const closed = new Promise<void>((resolve) => {
    socket.once('close', resolve);
  }).finally(() => clearInterval(drip));
  return { answer, closed };
}

databaseTest('slow clients are refused and delay no other client', async (t, sql) => {
  const limits = { headersTimeout: 400, requestTimeout: 800 };
  const service = await serviceOnDatabase(t, sql, { http: { limits } });
  const body = [HOST, JSON_TYPE, 'Content-Length: 10000'];
  const chunks = [HOST, JSON_TYPE, 'Transfer-Encoding: chunked'];
  const habits = {
    silence: ['', ''],
    'empty lines before the request': ['\r\n', '\r\n'],
    'a path without an end': ['POST /auth/login?userId=', '1'],
    'headers without an end': [`${LOGIN} HTTP/1.1\r\n${HOST}\r\n`, 'X: y\r\n'],
    'a header without an end': [`${LOGIN} HTTP/1.1\r\n${HOST}\r\nX: `, 'y'],
    'a body without an end': [login(body, '{"a":"'), 'b'],
    'chunks without an end': [login(chunks), '1\r\n{\r\n'],
  } as const;
  const clients = Object.entries(habits).flatMap(([name, [bytes, more]]) =>
    Array.from({ length: 10 }, () => ({ name, ...slowClient(service.url, bytes, more) })),
  );
  const others = new Set<number>();
  let waiting = true;
  const outcomes = Promise.all(
    clients.map(async ({ name, answer }) => `${name}: ${(await answer).outcome}`),
  ).finally(() => {
    waiting = false;
  });
  await assertUnchanged(
    t,
    sql,
    async () => {
      for (; waiting; await sleep(20)) others.add((await service.send('/health/live')).status);
    },
    'slow clients',
  );
  t.same(
    [...new Set(await outcomes)],
    Object.keys(habits).map((name) => `${name}: 408 request_timeout`),
  );
  t.same([...others], [200], 'other clients were served meanwhile');
  await Promise.all(clients.map(({ closed }) => closed));
  t.pass('no connection is kept, although these clients never close theirs');
});

databaseTest('bytes that are no request do not keep a connection open', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const client = slowClient(service.url, 'nonsense\r\n\r\n', 'x');
  t.equal((await client.answer).outcome, refusal.request);
  await client.closed;
  const tunnel = slowClient(service.url, rawRequest('CONNECT evil.example:443', [HOST]), 'x');
  t.equal((await tunnel.answer).outcome, '404 not_found');
  await tunnel.closed;
});

databaseTest('only a trusted proxy can set the address of the client', async (t, sql) => {
  const services = new Map<string, Awaited<ReturnType<typeof serviceOnDatabase>>>();
  const serviceBehind = async (trustProxy: readonly string[]) => {
    const key = trustProxy.join();
    const service = services.get(key) ?? (await serviceOnDatabase(t, sql, { http: { trustProxy } }));
    services.set(key, service);
    return service;
  };
  const nobody: string[] = [];
  const stranger = ['10.0.0.0/8'];
  const proxy = ['127.0.0.1'];
  const proxies = ['127.0.0.0/8', '10.0.0.0/8', '2001:db8:ffff::/48'];
  const cases: readonly (readonly [string[], Record<string, string>, string])[] = [
    [nobody, { 'x-forwarded-for': '203.0.113.9' }, '127.0.0.1'],
    [stranger, { 'x-forwarded-for': '203.0.113.9' }, '127.0.0.1'],
    [stranger, { 'x-forwarded-for': '203.0.113.9, 10.1.2.3' }, '127.0.0.1'],
    [proxy, { 'x-real-ip': '203.0.113.9', 'true-client-ip': '203.0.113.9' }, '127.0.0.1'],
    [proxy, { forwarded: 'for=203.0.113.9', 'cf-connecting-ip': '203.0.113.9' }, '127.0.0.1'],
    [proxy, { 'x-forwarded-for': '203.0.113.9' }, '203.0.113.9'],
    [proxy, { 'x-forwarded-for': '6.6.6.6, 203.0.113.9' }, '203.0.113.9'],
    [proxy, { 'x-forwarded-for': '203.0.113.9, 10.1.2.3' }, '10.1.2.3'],
    [proxies, { 'x-forwarded-for': '6.6.6.6,203.0.113.9 , 10.1.2.3' }, '203.0.113.9'],
    [proxies, { 'x-forwarded-for': '203.0.113.9, 10.1.2.3, 127.0.0.7' }, '203.0.113.9'],
    [proxies, { 'x-forwarded-for': '203.0.113.9, 2001:db8:ffff::1' }, '203.0.113.9'],
    [proxies, { 'x-forwarded-for': '127.0.0.1' }, '127.0.0.1'],
    [proxy, { 'x-forwarded-for': '::ffff:203.0.113.9' }, '203.0.113.9'],
    [proxy, { 'x-forwarded-for': '::FFFF:203.0.113.9' }, '203.0.113.9'],
    [proxy, { 'x-forwarded-for': '2001:db8::9' }, '2001:db8::9'],
    // addresses with a port, in brackets, or in another spelling
    [proxy, { 'x-forwarded-for': '203.0.113.9:61598' }, '203.0.113.9'],
    [proxy, { 'x-forwarded-for': '[2001:db8::9]:443' }, '2001:db8::9'],
    [proxy, { 'x-forwarded-for': '[2001:db8::9]' }, '2001:db8::9'],
    [proxy, { 'x-forwarded-for': '6.6.6.6, 203.0.113.9:61598' }, '203.0.113.9'],
    [proxies, { 'x-forwarded-for': '203.0.113.9:61598, 10.1.2.3:443' }, '203.0.113.9'],
    [proxies, { 'x-forwarded-for': '6.6.6.6, [2001:db8::9]:443, [2001:DB8:FFFF:0::1]:80' }, '2001:db8::9'],
    [proxies, { 'x-forwarded-for': '203.0.113.9, [::ffff:10.1.2.3]:443' }, '203.0.113.9'],
    [proxy, { 'x-forwarded-for': '2001:0DB8:0:0:0:0:0:9' }, '2001:db8::9'],
    [proxy, { 'x-forwarded-for': 'FE80::1%eth0' }, 'fe80::1'],
    [proxy, { 'x-forwarded-for': '::ffff:cb00:7109' }, '203.0.113.9'],
    // if an entry is no address, the address is that of the proxy that added the entry
    [proxy, { 'x-forwarded-for': 'unknown' }, '127.0.0.1'],
    [proxy, { 'x-forwarded-for': '203.0.113.9, unknown' }, '127.0.0.1'],
    [proxies, { 'x-forwarded-for': '203.0.113.9, _hidden, 10.1.2.3' }, '10.1.2.3'],
    [proxy, { 'x-forwarded-for': "' OR 1=1 --" }, '127.0.0.1'],
    [proxy, { 'x-forwarded-for': '<script>alert(1)</script>' }, '127.0.0.1'],
    [proxy, { 'x-forwarded-for': '1'.repeat(2_000) }, '127.0.0.1'],
    [proxy, { 'x-forwarded-for': '203.0.113.999' }, '127.0.0.1'],
    [proxy, { 'x-forwarded-for': '203.0.113.9:' }, '127.0.0.1'],
    [proxy, { 'x-forwarded-for': '203.0.113.9:https' }, '127.0.0.1'],
    [proxy, { 'x-forwarded-for': '[203.0.113.9]:443' }, '127.0.0.1'],
    [proxy, { 'x-forwarded-for': '[2001:db8::9' }, '127.0.0.1'],
    // shorthands of 127.0.0.1 that no proxy writes
    [proxies, { 'x-forwarded-for': '203.0.113.9, 0x7f.1' }, '127.0.0.1'],
    [proxies, { 'x-forwarded-for': '203.0.113.9, 2130706433' }, '127.0.0.1'],
    [proxy, { 'x-forwarded-for': ',,,' }, '127.0.0.1'],
  ];
  for (const [trustProxy, headers, address] of cases) {
    const service = await serviceBehind(trustProxy);
    const name = `${JSON.stringify(headers).slice(0, 100)}, trusting ${trustProxy.join(' ') || 'nobody'}`;
    const pair = await service.open({ headers });
    t.equal(claimsOf(pair.accessToken).userIp, address, name);
    const [row] = await sql`
      select address, login_address from token_families
      where token_family = ${String(claimsOf(pair.accessToken).sid)}`;
    t.same([row?.address, row?.login_address], [address, address], `${name}: the stored addresses`);
    await assertRefreshable(t, service, pair);
  }
});

databaseTest('thousands of headers of a client do not displace the headers of the proxy', async (t, sql) => {
  const forwarded = login([HOST, CLOSE, ...manyHeaders, 'X-Forwarded-For: 203.0.113.9']);
  const behind = await serviceOnDatabase(t, sql, { http: { trustProxy: ['127.0.0.1'] } });
  t.equal((await sendRaw(behind.url, forwarded)).outcome, '200');
  const rows = await sql`select address from token_families where user_id = ${USER}`;
  t.same([...rows], [{ address: '203.0.113.9' }]);
  const authorizeLogin = createLoginAuthorizer('local', []);
  const local = await serviceOnDatabase(t, sql, { http: { authorizeLogin } });
  t.equal((await sendRaw(local.url, login([HOST, CLOSE]))).outcome, '200');
  t.equal((await sendRaw(local.url, forwarded)).outcome, '401 unauthenticated');
  for (const name of [
    'Forwarded',
    'Via',
    'X-Forwarded-Port',
    'X-Forwarded-Prefix',
    'X-Forwarded',
    'X-Real-IP',
    'X-Original-URL',
    'X-Client-IP',
    'X-Cluster-Client-IP',
    'X-Envoy-External-Address',
    'X-Amzn-Trace-Id',
    'CF-Connecting-IP',
    'True-Client-IP',
    'Fly-Client-IP',
    'CDN-Loop',
  ])
    t.equal(
      (await sendRaw(local.url, login([HOST, CLOSE, `${name}: x`]))).outcome,
      '401 unauthenticated',
      name,
    );
});

databaseTest('the addresses of one IPv6 /64 count as one network', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql, { http: { trustProxy: ['127.0.0.1'] } });
  const from = (address: string) => ({ 'x-forwarded-for': address });
  let pair = await service.open({ headers: from('2001:db8:1:2::1') });
  const { refreshToken } = pair;
  const mailLines = async () =>
    (await outboxLinesOf(sql, refreshToken)).filter((line) => line.startsWith('mail'));
  for (const address of ['2001:db8:1:2::2', '2001:DB8:1:2:ffff:ffff:ffff:ffff', '2001:0db8:0001:0002:0::9'])
    pair = await service.next(pair, from(address));
  t.same(await mailLines(), [], 'the network of the login is not reported');
  for (const address of ['2001:db8:1:3::1', '2001:db8:1:3::2', '2001:db8:1:3:1::1'])
    pair = await service.next(pair, from(address));
  t.same(await mailLines(), ['mail sessions.address_changed'], 'another network is reported once');
});

databaseTest(
  'no answer allows a page to read it, unless CORS_ORIGINS names the origin of the page',
  async (t, sql) => {
    const allowed = 'https://app.example';
    const open = await serviceOnDatabase(t, sql, { http: { corsOrigins: [allowed] } });
    const closed = await serviceOnDatabase(t, sql);
    const origins = [
      'https://evil.example',
      'null',
      '*',
      'https://app.example.evil.example',
      'https://evil.example/https://app.example',
      'https://evilapp.example',
      'https://app.example:444',
      'http://app.example',
      'https://app.example/',
      'https://user@app.example',
      'file://',
    ];
    const preflight = {
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type',
    };
    const requests: Record<string, [string, RequestInit]> = {
      'an answer': ['/health/live', {}],
      'a refusal': ['/auth/refresh', { method: 'POST' }],
      'no such route': ['/nope', {}],
      'a malformed path': ['/%zz', {}],
      'a preflight': ['/auth/refresh', { method: 'OPTIONS', headers: preflight }],
    };
    for (const [name, [path, init]] of Object.entries(requests)) {
      for (const [service, origin] of [
        ...origins.map((evil) => [open, evil] as const),
        [closed, allowed] as const,
      ]) {
        const headers = { ...init.headers, origin };
        const send = () => fetch(new URL(path, service.url), { ...init, headers });
        const response = await assertUnchanged(t, sql, send, `${name} for ${origin}`);
        await response.arrayBuffer();
        const granted = [...response.headers.keys()].filter((header) =>
          header.startsWith('access-control-allow-'),
        );
        t.notOk(granted.includes('access-control-allow-origin'), `${name} for ${origin}`);
        t.notOk(
          granted.includes('access-control-allow-credentials'),
          `${name} for ${origin}, with credentials`,
        );
      }
    }
    for (const name of ['an answer', 'a refusal', 'a preflight']) {
      const [path, init] = requests[name] ?? ['', {}];
      const response = await fetch(new URL(path, open.url), {
        ...init,
        headers: { ...init.headers, origin: allowed },
      });
      await response.arrayBuffer();
      t.equal(
        response.headers.get('access-control-allow-origin'),
        allowed,
        `${name} for the origin that is allowed`,
      );
      t.match(
        response.headers.get('vary'),
        /origin/i,
        `${name}: caches keep the answers to each origin apart`,
      );
    }
  },
);

databaseTest('no answer and no log line contains a forged host', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql, {
    http: { publicUrl: 'https://auth.example.com', trustProxy: ['127.0.0.1'] },
  });
  const made = [
    'Host: evil.example',
    'X-Forwarded-Host: evil.example',
    'X-Forwarded-Server: evil.example',
    'X-Forwarded-Proto: evil',
    'X-Forwarded-Port: 666',
    'X-Original-URL: /evil.example',
    'X-Rewrite-URL: /evil.example',
    'Forwarded: host=evil.example',
    'Referer: https://evil.example/',
    'Origin: https://evil.example',
    CLOSE,
  ];
  const lines = [
    'GET /health/live',
    'GET /health/ready',
    'GET /docs',
    'GET /docs/',
    'GET /docs/json',
    'GET /nope',
    'GET /%zz',
    'GET http://evil.example/health/live',
    LOGIN,
    'POST /auth/login',
    'POST /auth/refresh',
  ];
  for (const line of lines) {
    const { text, outcome } = await sendRaw(service.url, rawRequest(line, made));
    t.match(outcome, /^[2-4]\d\d/, `${line} is answered`);
    t.notMatch(text, /evil|:666/, line);
  }
  t.notMatch(service.lines.join(''), /evil|:666/, 'the log');
  const [row] = await sql<{ all: string }[]>`
    select string_agg(f::text || o::text, '') as all from token_families f, outbox o`;
  t.ok(row?.all, 'one login succeeded');
  t.notMatch(row?.all, /evil|:666/, 'the database');
  const { body } = await service.send('/docs/json');
  t.same(
    body.servers,
    [{ url: 'https://auth.example.com' }],
    'URLs of the service come from the configuration',
  );
});

databaseTest('a user agent cannot break a log line', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql, { policy: { onUserAgentChange: 'notify' } });
  const agent = `<script>alert(1)</script>"},{"level":60,\\n\\u0000\\r\\nBcc: eve@example.com \u00ff\u0085 %0d%0a`;
  const headers = { 'user-agent': agent };
  const pair = await service.open({ headers });
  await service.next(pair, { 'user-agent': `${agent} evil` });
  for (const request of [
    login([HOST, CLOSE, 'User-Agent: one\r\n two: three']),
    login([HOST, CLOSE, 'User-Agent: one\rtwo']),
    login([HOST, CLOSE, 'User-Agent: one\ntwo']),
  ]) {
    const { outcome } = await assertUnchanged(
      t,
      sql,
      () => sendRaw(service.url, request),
      'a line break in the agent',
    );
    t.equal(outcome, refusal.request, 'a line break in the agent');
  }
  const kept = await sql<{ agent: string }[]>`select data ->> 'userAgent' as agent from outbox`;
  t.same(new Set(kept.map((row) => row.agent)), new Set([agent, `${agent} evil`]), 'it is stored unchanged');

  const [row] = await sql`select data from outbox where type = 'sessions.started'`;
  service.app.log.info(
    { event: row?.data, note: 'one\r\ntwo\u2028three' },
    `started by ${agent}\r\nlevel: 60`,
  );
  for (const line of service.lines) {
    t.match(line, /^[^\r\n]*\n$/, 'one line');
    t.equal(JSON.parse(line).level, 30, 'with the level of the service');
  }
  t.ok(
    service.lines.some((line) => JSON.parse(line).event?.userAgent === agent),
    'and contains the user agent',
  );
});

databaseTest('a UTF-8 user agent is stored as its text', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql, { policy: { onUserAgentChange: 'block' } });
  const asHeader = (text: string) => ({ 'user-agent': Buffer.from(text, 'utf8').toString('latin1') });
  const pair = await service.open({ headers: asHeader('X\u2013Y 312.0') });
  const next = await service.next(pair, asHeader('X\u2013Y 313.0'));
  const storedAgent = async () => {
    const [row] =
      await sql`select user_agent from token_families where revoked_at is null order by created_at desc`;
    return row?.user_agent;
  };
  t.equal(await storedAgent(), 'X\u2013Y 313.0');
  const answer = await service.post('/auth/refresh', next, asHeader('X\u2014Y 313.0'));
  t.match(answer, { status: 401, body: { code: 'user_agent_changed' } });

  const long = asHeader(`${'x'.repeat(299)}\u{1f600}`);
  const { accessToken, refreshToken } = await service.open({ headers: long });
  t.equal(await storedAgent(), 'x'.repeat(299), 'the text is not cut inside a character');
  await service.next({ accessToken, refreshToken }, long);
});
