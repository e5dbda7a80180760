import t from 'tap';
import { startHttpService } from '../support/http.ts';
import { answerOn, rawConnection, rawRequest, sendRaw } from '../support/raw-http.ts';

const ALLOWED = [
  'https://app.example.com',
  'https://*.example.org',
  'http://*.localhost:3000',
  'capacitor://localhost',
  'tauri://localhost',
  'ionic://localhost',
  'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
  'moz-extension://2c127fa4-62c7-7e4f-90e5-472b45eecfdc',
];
const HEAD = ['Host: localhost', 'Connection: close'];

t.test('origins and patterns match only the origins that they name', async (t) => {
  const { send } = await startHttpService(t, { http: { corsOrigins: ALLOWED } });
  const allowedOriginFor = async (origin: string) =>
    (await send('/health/live', { headers: { origin } })).headers.get('access-control-allow-origin');
  const good = [
    ...ALLOWED.filter((origin) => !origin.includes('*')),
    'https://a.example.org',
    'https://a.b-c.example.org',
    'https://xn--bcher-kva.example.org',
    'http://dev.localhost:3000',
  ];
  for (const origin of good) t.equal(await allowedOriginFor(origin), origin, origin);
  const bad = [
    'https://example.org',
    'https://.example.org',
    'https://evilexample.org',
    'https://x.example.org.evil.com',
    'https://evil.com/.example.org',
    'https://evil.com#.example.org',
    'https://evil.com?.example.org',
    'https://user@a.example.org',
    'https://evil.com:443@a.example.org',
    'https://a..example.org',
    'https://*.example.org',
    'http://a.example.org',
    'https://a.example.org:444',
    'http://dev.localhost',
    'http://dev.localhost:30000',
    'capacitor://localhost.evil.com',
    'chrome-extension://ponmlkjihgfedcbaponmlkjihgfedcba',
    'null',
  ];
  for (const origin of bad) t.equal(await allowedOriginFor(origin), null, origin);
});

t.test('answers outside of routes have CORS headers', async (t) => {
  const limits = { headersTimeout: 300, requestTimeout: 600 };
  const { url } = await startHttpService(t, { http: { corsOrigins: ALLOWED, limits } });
  const ask = (line: string, origin: string, ...more: string[]) =>
    sendRaw(url, rawRequest(line, [...HEAD, `Origin: ${origin}`, ...more]));
  const answers = (origin: string) => ({
    '400 invalid_request, the path': ask('GET /%zz', origin),
    '400 invalid_request, the query': ask('GET /auth/me?a=%zz', origin),
    '400 invalid_request, two hosts': ask('GET /auth/me', origin, 'Host: other'),
    '400 invalid_request, the method': ask('BREW /auth/me', origin),
    '400 invalid_request, the expectation': ask('POST /auth/login', origin, 'Expect: tea'),
    '404 not_found': ask('GET /nowhere', origin),
    '405 method_not_allowed': ask('PUT /auth/me', origin),
    '415 unsupported_media_type': sendRaw(
      url,
      rawRequest(
        'POST /auth/login',
        [...HEAD, `Origin: ${origin}`, 'Content-Type: a/b', 'Content-Length: 1'],
        'x',
      ),
    ),
    '431 headers_too_large': ask('GET /auth/me', origin, `X-Long: ${'x'.repeat(20_000)}`),
  });
  const [allowed = ''] = ALLOWED;
  for (const [name, answer] of Object.entries(answers(allowed))) {
    const { text, outcome } = await answer;
    t.equal(outcome, name.split(',')[0], name);
    t.match(text, `access-control-allow-origin: ${allowed}`, name);
    t.match(text, /access-control-expose-headers: .*www-authenticate/, name);
  }
  for (const [name, answer] of Object.entries(answers('https://evil.example')))
    t.notMatch((await answer).text, /access-control-allow-origin/, `${name} for another origin`);

  const slow = rawConnection(url);
  slow.write(`GET /auth/me HTTP/1.1\r\nOrigin: ${allowed}\r\n`);
  const { text, outcome } = await answerOn(slow);
  t.equal(outcome, '408 request_timeout');
  t.match(
    text,
    'access-control-allow-origin: *',
    'the origin is unknown, because Node.js discards a request that is too slow',
  );
});

t.test('without CORS_ORIGINS no answer has CORS headers', async (t) => {
  const { url } = await startHttpService(t);
  const headers = [...HEAD, 'Origin: https://app.example.com'];
  for (const [line, more] of [
    ['GET /health/live', 'X-Short: x'],
    ['GET /%zz', 'X-Short: x'],
    ['GET /health/live', `X-Long: ${'x'.repeat(20_000)}`],
  ] as const) {
    const { text } = await sendRaw(url, rawRequest(line, [...headers, more]));
    t.notMatch(text, /access-control/, line);
  }
});

t.test('a preflight request for DELETE is accepted from an allowed origin only', async (t) => {
  const { url } = await startHttpService(t, { http: { corsOrigins: ALLOWED } });
  const preflight = (origin: string) =>
    fetch(`${url}/auth/me`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'DELETE',
        'access-control-request-headers': 'authorization',
      },
    });
  const { status, headers } = await preflight('https://a.example.org');
  t.equal(status, 204);
  t.match(headers.get('access-control-allow-methods'), /DELETE/);
  t.equal(headers.get('access-control-allow-headers'), 'authorization');
  const evil = await preflight('https://evil.example');
  t.equal(evil.headers.get('access-control-allow-methods'), null);
});
