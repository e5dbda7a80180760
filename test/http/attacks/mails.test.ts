import t, { type Test } from 'tap';
import { connect } from '../../../src/adapters/postgres/connect.ts';
import { PLAIN, serveMail } from '../../support/mail-server.ts';
import { PASSWORD } from '../../support/passwords.ts';
import { requirePostgres, testDatabase } from '../../support/postgres.ts';
import { rawRequest, sendRaw } from '../../support/raw-http.ts';
import { dataDir, startServiceInProcess } from '../../support/service-in-process.ts';
import { waitForValue } from '../../support/wait-until.ts';

const ORIGIN = 'https://auth.example.com';

/** What an attacker adds to requests that cause a mail to the victim: a URL and a host of the attacker. */
const EVIL = [
  'Host: evil.example',
  'X-Forwarded-Host: evil.example',
  'X-Forwarded-Proto: http',
  'X-Forwarded-Server: evil.example',
  'Forwarded: host=evil.example;proto=http',
  'Origin: https://evil.example',
  'Referer: https://evil.example/',
  'Connection: close',
];
const AGENT = '<script>alert(1)</script><a href="https://evil.example/">log in</a> Bcc: eve@evil.example';

t.test('a mail has one recipient, and its links lead only to this service', async (t) => {
  if (!(await requirePostgres(t))) return;
  const server = await serveMail(t, PLAIN);
  const service = await startServiceInProcess(t, {
    ...{ SMTP_SERVER: '127.0.0.1', SMTP_PORT: String(server.port), SMTP_FROM: 'auth@example.com' },
    ...{ DATA_DIR: await dataDir(t), DATABASE_URL: await testDatabase(t), PUBLIC_URL: ORIGIN },
    ...{ ARGON2_MEMORY: '1024', TRUST_PROXY: '127.0.0.1', ON_USER_AGENT_CHANGE: 'notify' },
  });
  await causeMails(service.url);
  const subjects = await waitForValue('all mails', async () => {
    const found = new Set(server.received.map(({ message }) => /^Subject: (.*)$/m.exec(message)?.[1]));
    return found.size >= 6 ? found : undefined;
  });
  t.equal(subjects.size, 6, 'of six kinds');
  for (const { to, message } of server.received) assertMail(t, to, message);
  const links = server.received.flatMap(({ message }) => linksIn(message));
  for (const link of links) {
    const page = await fetch(link.replace(ORIGIN, service.url));
    t.equal(page.status, 200, `${link.split('?')[0]} is a page of this service`);
  }
  t.same([...new Set(links.map((link) => link.split('?')[0]))].sort(), [
    `${ORIGIN}/auth/email/verify`,
    `${ORIGIN}/auth/not-me`,
    `${ORIGIN}/auth/password/reset`,
  ]);
  for (const line of service.lines) t.match(JSON.parse(line), { level: Number }, 'one JSON line');
  t.notMatch(service.lines.join(''), /evil|<script|ann@example/, 'the log');
});

t.test('fifteen stolen tokens of one user cause ten mails and one digest', async (t) => {
  if (!(await requirePostgres(t))) return;
  const server = await serveMail(t, PLAIN);
  const DATABASE_URL = await testDatabase(t);
  const service = await startServiceInProcess(t, {
    ...{ SMTP_SERVER: '127.0.0.1', SMTP_PORT: String(server.port), SMTP_FROM: 'auth@example.com' },
    ...{ DATA_DIR: await dataDir(t), DATABASE_URL, ARGON2_MEMORY: '1024', EMAIL_VERIFICATION: 'off' },
  });
  const post = async (path: string, body: object) => {
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    };
    return (await fetch(new URL(path, service.url), init)).json() as Promise<Record<string, string>>;
  };
  const account = { username: 'ann', password: PASSWORD };
  await post('/auth/register', { ...account, email: 'ann@example.com' });
  for (let n = 0; n < 15; n += 1) {
    const { access: accessToken, refresh: refreshToken } = await post('/auth/login', account);
    const stolen = { accessToken, refreshToken };
    await post('/auth/refresh', stolen);
    t.match(await post('/auth/refresh', stolen), { code: 'token_reused' });
  }

  const sql = connect({ kind: 'url', url: DATABASE_URL, pool: 1 });
  t.teardown(() => sql.end());
  const countHeld = async () => {
    const [row] = await sql<[{ count: number }]>`
      select count(*)::int as count from outbox where kind = 'mail' and held_for is not null`;
    return row.count;
  };
  await waitForValue('five mails are held', async () => ((await countHeld()) === 5 ? true : undefined));
  await waitForValue('ten mails', async () => (server.received.length === 10 ? true : undefined));
  await sql`update outbox set due_at = now() where held_for is not null`;
  await waitForValue('the digest', async () => ((await countHeld()) === 0 ? true : undefined));
  t.equal(server.received.length, 11);
  t.match(server.received[10]?.message, /^Subject: 5 messages about the safety of your account/m);
});

function assertMail(t: Test, to: readonly string[], message: string): void {
  t.same(to, ['ann@example.com'], 'one recipient');
  const [head = ''] = message.split('\r\n\r\n');
  const names = head.split('\r\n').flatMap((line) => /^([\w-]+):/.exec(line)?.[1]?.toLowerCase() ?? []);
  t.equal(names.filter((name) => name === 'to').length, 1);
  t.notMatch(names.join(), /bcc|cc|reply-to/);
  t.notMatch(head, /evil|<script/, 'nothing of the request is in the headers');
  const text = decodeQuotedPrintable(message);
  const html = text.slice(text.indexOf('text/html'));
  t.match(html, 'an unknown browser or app', 'the user agent of the attacker is not shown');
  t.notMatch(html, /script|<a href="(?!https:\/\/auth\.example\.com\/)/, 'and no part of it is markup');
  t.notMatch(text, /:\/\/evil|evil\.example/, 'and no mail program would make it a link');
  for (const [url] of text.matchAll(/https?:[^\s"<]+/g)) t.match(url, new RegExp(`^${ORIGIN}/auth/`));
}

function linksIn(message: string): string[] {
  return [...new Set([...decodeQuotedPrintable(message).matchAll(/https?:[^\s"<]+/g)].map(([url]) => url))];
}

/** Decodes quoted-printable text in ASCII. */
function decodeQuotedPrintable(message: string): string {
  return message.replace(/=\r?\n/g, '').replace(/=3D/g, '=');
}

/** Sends requests that cause mails of six kinds, with the values that an attacker wants in the mails. */
async function causeMails(url: string): Promise<void> {
  const ask = async (path: string, body: object, { agent = AGENT, more = [] as string[] } = {}) => {
    const json = JSON.stringify(body);
    const headers = [
      'Content-Type: application/json',
      `Content-Length: ${json.length}`,
      `User-Agent: ${agent}`,
    ];
    const { text } = await sendRaw(url, rawRequest(`POST ${path}`, [...EVIL, ...headers, ...more], json));
    const { access, refresh } = text.includes('"access"') ? JSON.parse(text.slice(text.indexOf('{'))) : {};
    return { accessToken: String(access), refreshToken: String(refresh) };
  };
  await ask('/auth/register', { username: 'ann', email: 'ann@example.com', password: PASSWORD });
  const logIn = () => ask('/auth/login', { username: 'ann', password: PASSWORD });
  const [stolen, kept] = [await logIn(), await logIn()];
  await ask('/auth/refresh', stolen);
  await ask('/auth/refresh', stolen);
  const moved = await ask('/auth/refresh', kept, { more: ['X-Forwarded-For: 198.51.100.7'] });
  await ask('/auth/refresh', moved, { agent: `Other/1.0 evil.example ${AGENT}` });
  const bearer = `Authorization: Bearer ${(await logIn()).accessToken}`;
  const change = { currentPassword: PASSWORD, newPassword: 'a yellow piano 43' };
  await ask('/auth/password', change, { more: [bearer] });
  await ask('/auth/password/forgot', { email: 'ann@example.com' });
}
