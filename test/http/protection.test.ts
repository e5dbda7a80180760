import t, { type Test } from 'tap';
import { launchChromium } from '../support/chromium.ts';
import { startHttpService } from '../support/http.ts';
import { openapiOf } from '../support/openapi.ts';
import { rawRequest, sendRaw } from '../support/raw-http.ts';

const HTTPS = 'https://kinship.example';
/** These answers are the same for every client, so caches may store them. */
const PUBLIC = ['/.well-known/jwks.json', '/.well-known/oauth-authorization-server'];

t.test(
  'every documented operation sends the security headers, and caches may not store personal answers',
  async (t) => {
    const { url } = await startHttpService(t, { http: { publicUrl: HTTPS, issuer: HTTPS } });
    const { paths } = await openapiOf(t);
    for (const [path, operations] of Object.entries(paths)) {
      for (const method of Object.keys(operations)) {
        const name = `${method} ${path}`;
        const response = await fetch(url + path.replaceAll(/\{\w+\}/g, '1'), {
          method: method.toUpperCase(),
          redirect: 'manual',
        });
        await response.arrayBuffer();
        assertProtected(t, Object.fromEntries(response.headers), name);
        const cached = response.headers.get('cache-control');
        if (PUBLIC.includes(path)) t.match(cached, /^public/, name);
        else t.equal(cached, 'no-store', name);
      }
    }
  },
);

t.test('answers outside of routes have the security headers too', async (t) => {
  const { url } = await startHttpService(t, { http: { publicUrl: HTTPS } });
  const head = ['Host: localhost', 'Connection: close'];
  const requests: Record<string, string> = {
    'no route': rawRequest('GET /nowhere', head),
    'another method': rawRequest('PUT /auth/me', head),
    OPTIONS: rawRequest('OPTIONS /auth/me', head),
    'an undecodable path': rawRequest('GET /%zz', head),
    'an unknown method': rawRequest('BREW /', head),
    'large headers': rawRequest('GET /', [...head, `X-Long: ${'x'.repeat(20_000)}`]),
    CONNECT: rawRequest('CONNECT evil.example:443', head),
  };
  for (const [name, request] of Object.entries(requests)) {
    const { text } = await sendRaw(url, request);
    const lines = text.split('\r\n\r\n')[0]?.split('\r\n').slice(1) ?? [];
    const headers = lines.map((line) => line.split(/: (.*)/, 2) as [string, string]);
    assertProtected(t, Object.fromEntries(headers.map(([key, value]) => [key.toLowerCase(), value])), name);
  }
});

t.test('HSTS is sent only if PUBLIC_URL is https', async (t) => {
  const { send } = await startHttpService(t, { http: { publicUrl: 'http://localhost:3000' } });
  t.equal((await send('/health/live')).headers.get('strict-transport-security'), null);
});

t.test('the documentation and the pages work in a browser under their policy', async (t) => {
  const browser = await launchChromium(t);
  if (browser === null) return;
  const { url } = await startHttpService(t);
  const page = await browser.newPage();
  page.setDefaultTimeout(120_000);
  const violations: string[] = [];
  page.on('console', (message) => {
    if (/Content.Security.Policy/i.test(message.text())) violations.push(message.text());
  });
  await page.goto(`${url}/docs`);
  await page.locator('.opblock-summary-control', { hasText: '/health/live' }).dispatchEvent('click');
  await page.getByRole('button', { name: 'Try it out' }).dispatchEvent('click');
  await page.getByRole('button', { name: 'Execute' }).dispatchEvent('click');
  const answer = page.locator('.live-responses-table .response-col_status').last();
  t.match(await answer.innerText(), /^200/, 'an operation can be tried');
  t.same(violations, []);

  await page.goto(`${url}/auth/password/reset?token=unknown`);
  const width = await page.evaluate('getComputedStyle(document.body).maxWidth');
  t.not(width, 'none', 'the style sheet is applied');
  t.same(violations, []);

  const framing = await browser.newPage();
  await framing.goto(`${url}/nowhere`);
  const refused: string[] = [];
  framing.on('console', (message) => refused.push(message.text()));
  await framing.setContent(`<iframe src="${url}/docs"></iframe>`, { waitUntil: 'load' });
  t.match(refused.join(), /frame/i, 'a frame is refused');
});

function assertProtected(
  t: Pick<Test, 'match' | 'notMatch' | 'ok'>,
  headers: Readonly<Record<string, string>>,
  name: string,
): void {
  t.match(headers['content-security-policy'], /^default-src 'none';.*frame-ancestors 'none'/, name);
  t.notMatch(headers['content-security-policy'], /unsafe/, name);
  t.ok(Math.abs(Date.parse(headers.date ?? '') - Date.now()) < 60_000, `${name}: Date`);
  t.match(
    headers,
    {
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'strict-transport-security': /^max-age=\d{8,}$/,
    },
    name,
  );
}
