import { randomBytes } from 'node:crypto';
import type { Sql } from '../../../src/adapters/postgres/connect.ts';
import { linkTo } from '../../../src/app/delivery/link-to.ts';
import { claimsOf } from '../../support/forge.ts';
import { createLeakCheck, dump, secretParts, spellings, textOf } from '../../support/leaks.ts';
import {
  assertUnchanged,
  databaseTest,
  familyOf,
  outcomeOf,
  type Pair,
  type ServiceOnDatabase,
  serviceOnDatabase,
} from '../../support/service-on-database.ts';

const DAY = 86_400_000;
const canary = () => `Canary-${randomBytes(12).toString('hex')}`;
const ann = (password: string) => ({ username: 'ann', email: 'ann@example.com', password });

const pairOf = ({ body }: { body: Record<string, unknown> }): Pair => ({
  accessToken: String(body.access),
  refreshToken: String(body.refresh),
});

/** Requests a new password. Returns the secret of the link in the mail. */
async function forget(service: ServiceOnDatabase, sql: Sql): Promise<string> {
  await service.post('/auth/password/forgot', { email: 'ann@example.com' });
  // The mail is recorded after the answer, so that the time of the answer reveals nothing.
  for (;;) {
    const [row] =
      await sql`select data ->> 'resetId' as id from outbox where type = 'users.password_forgotten'`;
    if (row !== undefined) return service.links.makeResetSecret(row.id);
  }
}

/** Requests a change of the address. Returns the secret of the link in the mail to the new address. */
async function requestChange(service: ServiceOnDatabase, sql: Sql, password: string): Promise<string> {
  const { body } = await service.post('/auth/login', { username: 'ann', password });
  const bearer = { authorization: `Bearer ${body.access}` };
  await service.post('/auth/email', { email: 'ann@example.org', password }, bearer);
  const [row] =
    await sql`select data ->> 'linkId' as id from outbox where type = 'users.email_change_requested'`;
  return service.links.makeAddressSecret(row?.id);
}

const LINKS = [
  '/auth/password/reset',
  '/auth/not-me',
  '/auth/email/verify',
  '/auth/email/change',
  '/auth/email/undo',
];

const form = ({ url }: ServiceOnDatabase, path: string, fields: Record<string, string>) =>
  fetch(`${url}${path}`, { method: 'POST', body: new URLSearchParams(fields) });

/** Registers a user, replays a token, and changes and resets the password. Returns the secrets that occurred. */
async function useAccount(service: ServiceOnDatabase, sql: Sql) {
  const passwords = { first: canary(), second: canary(), third: canary(), wrong: canary() };
  const { first, second, third } = passwords;
  await service.post('/auth/register', ann(first));
  const logIn = async (password: string) =>
    pairOf(await service.post('/auth/login', { username: 'ann', password }));
  const [pair, stolen] = [await logIn(first), await logIn(first)];
  const successor = await service.next(stolen);
  await service.post('/auth/refresh', stolen);
  const bearer = { authorization: `Bearer ${pair.accessToken}` };
  await service.post('/auth/password', { currentPassword: first, newPassword: second }, bearer);
  const reset = await forget(service, sql);
  const used = await form(service, '/auth/password/reset', { token: reset, newPassword: third });
  const last = await logIn(third);
  const userId = String(claimsOf(last.accessToken).sub);
  const notMe = service.links.makeNotMeToken(familyOf(last), userId, service.time.now + DAY);
  const pairs = { pair, stolen, successor, last };
  const tokens = Object.entries(pairs).map(([name, one]) => ({
    ...secretParts(name, one.refreshToken),
    [`${name}, its access token`]: one.accessToken,
  }));
  const secrets: Record<string, string> = { ...passwords, reset, notMe, ...Object.assign({}, ...tokens) };
  return {
    passwords,
    pairs,
    secrets: { ...secrets, operator: service.adminKey },
    reset,
    notMe,
    used,
    userId,
  };
}

type UsedAccount = Awaited<ReturnType<typeof useAccount>>;

/** Requests with right secrets in the right places, and with slightly wrong ones. No answer may contain a secret. */
function* requestsWithSecrets(
  { passwords, pairs, reset, notMe, userId }: UsedAccount,
  operator: string,
): Generator<PlannedRequest> {
  const { first, third, wrong } = passwords;
  const authorization = `Bearer ${pairs.last.accessToken}`;
  const json = (path: string, body: object, headers: Record<string, string> = {}): PlannedRequest => [
    path,
    {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    },
  ];
  yield json('/auth/register', ann(third));
  yield json('/auth/register', { ...ann(third), username: third, email: third });
  yield json('/auth/register', { ...ann(third), role: third });
  for (const password of [wrong, first]) yield json('/auth/login', { username: 'ann', password });
  yield json('/auth/login', { username: third, password: third });
  yield json('/auth/login', { password: third });
  yield json('/auth/password', { currentPassword: wrong, newPassword: third }, { authorization });
  yield json('/auth/password', { currentPassword: third, newPassword: 'short' }, { authorization });
  yield json('/auth/password', { currentPassword: third, [third]: third }, { authorization });
  yield json('/auth/password/forgot', { email: third });
  yield json('/auth/password/reset', { token: reset, newPassword: first });
  yield json('/auth/refresh', pairs.stolen);
  yield json('/auth/logout', { refreshToken: pairs.pair.refreshToken, [reset]: 1 });
  for (const path of ['/auth/me', '/auth/sessions', '/auth/verify', `/auth/sessions?cursor=${third}`]) {
    yield [path, { headers: { authorization } }];
  }
  const remove = { method: 'DELETE', headers: { authorization, 'content-type': 'application/json' } };
  yield ['/auth/me', { ...remove, body: JSON.stringify({ password: wrong }) }];
  yield [`/auth/sessions/${third}`, { method: 'DELETE', headers: { authorization } }];
  for (const path of ['/auth/password/reset', '/auth/not-me']) {
    for (const token of [reset, `${notMe}x`, third]) yield [`${path}?token=${token}`, {}];
    yield [path, { method: 'POST', body: new URLSearchParams({ token: `${notMe}x`, newPassword: third }) }];
  }
  for (const key of [operator, `${operator}x`, third]) {
    const headers = { 'x-api-key': key };
    yield [`/admin/sessions?userId=${userId}`, { headers }];
    yield [`/admin/sessions?userId=${third}`, { headers }];
    yield [`/admin/sessions/${third}`, { method: 'DELETE', headers }];
    yield [`/admin/users/${third}/sessions`, { method: 'DELETE', headers }];
  }
}

type PlannedRequest = [path: string, init: RequestInit];

databaseTest('no secret of an account is in an answer, the log or the database', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const account = await useAccount(service, sql);
  const leakCheck = createLeakCheck(t, service, account.secrets);
  leakCheck.answer('a password that was set', await textOf(account.used));
  let count = 0;
  for (const [path, init] of requestsWithSecrets(account, service.adminKey)) {
    const answer = await textOf(await fetch(`${service.url}${path}`, init));
    leakCheck.answer(`${init.method ?? 'GET'} ${path}`, answer);
    t.notMatch(answer, /^5/);
    count += 1;
  }
  t.ok(count >= 40, `${count} requests`);
  leakCheck.log();

  const stored = (await dump(sql)).flatMap(spellings).join('\n');
  const found = Object.entries(account.secrets).filter(([, secret]) => stored.includes(secret));
  t.same(found, [], 'the database');

  // Only the link for a new password contains one of the secrets: its own.
  const later = service.time.now + DAY;
  const mails = await service.outbox.claim('mail', later, later, 100);
  const link = linkTo({ links: service.links, publicUrl: 'https://auth.example.com' });
  for (const { event } of mails) {
    const others = Object.values(account.secrets).filter((secret) => secret !== account.reset);
    t.notOk(
      others.some((secret) => link(event)?.includes(secret)),
      event.type,
    );
  }
  t.same(mails.map(({ event }) => event.type).sort(), [
    'sessions.reuse_detected',
    'users.password_changed',
    'users.password_changed',
    'users.password_forgotten',
  ]);
});

databaseTest('no secret of an account is in an answer or the log when the database fails', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const account = await useAccount(service, sql);
  const [row] = await sql`select password_hash from users`;
  const leakCheck = createLeakCheck(t, service, { ...account.secrets, hash: row?.password_hash });
  const outcomes = new Set<string>();
  const ask = async () => {
    for (const [path, init] of requestsWithSecrets(account, service.adminKey)) {
      const answer = await textOf(await fetch(`${service.url}${path}`, init));
      leakCheck.answer(`${init.method ?? 'GET'} ${path}`, answer);
      outcomes.add(answer.slice(0, 3));
    }
  };
  for (const table of ['user_identifiers', 'users', 'token_families', 'outbox']) {
    await sql`alter table ${sql(table)} rename to elsewhere`;
    await ask();
    await sql`alter table elsewhere rename to ${sql(table)}`;
  }
  await sql.end();
  await ask();
  t.ok(outcomes.has('500') && outcomes.has('503'), 'the database did fail');
  leakCheck.log();
});

databaseTest('a copy of the database opens no account', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const password = canary();
  const { body } = await service.post('/auth/register', ann(password));
  const reset = await forget(service, sql);
  const change = await requestChange(service, sql, password);
  const pair = await service.open({ userId: String(body.id) });
  const notMe = service.links.makeNotMeToken(familyOf(pair), String(body.id), service.time.now + DAY);
  const values = [...new Set((await dump(sql)).flatMap(spellings))].filter((text) => text.length < 1000);
  t.ok(
    values.some((value) => value.startsWith('$argon2id$')),
    'the hash is in the copy',
  );
  t.ok(values.length > 40, `${values.length} values`);

  const outcomes = new Set<string>();
  const note = (what: string, status: number) => void outcomes.add(`${what} ${status}`);
  const replay = async () => {
    for (const value of values) {
      for (const path of LINKS) {
        const fields = { token: value, ...(path.endsWith('reset') && { newPassword: 'a yellow piano 43' }) };
        note(path, (await form(service, path, fields)).status);
        note(path, (await fetch(`${service.url}${path}?${new URLSearchParams({ token: value })}`)).status);
      }
      if (!/^[\x21-\x7e]+$/.test(value)) continue;
      note(
        'bearer',
        (await service.send('/auth/me', { headers: { authorization: `Bearer ${value}` } })).status,
      );
    }
  };
  await assertUnchanged(t, sql, replay, 'every value as a link and as an access token');
  const accepted = [...outcomes].filter((outcome) => !/ (?:400|401|403)$/.test(outcome));
  t.same(accepted, [], 'no stored value is accepted as a link or a token');

  const now = service.time.now;
  const guess = async () => {
    const answers = new Set<string>();
    for (const value of values) {
      service.time.now += 2 * DAY; // otherwise the limit of attempts would answer
      answers.add(outcomeOf(await service.post('/auth/login', { username: 'ann', password: value })));
    }
    answers.delete('400 invalid_request'); // the answer to values that are no text
    t.same([...answers], ['401 invalid_credentials'], 'no stored value is accepted as the password');
  };
  await assertUnchanged(t, sql, guess, 'every value as the password');
  service.time.now = now;

  t.equal(
    (await form(service, '/auth/not-me', { token: notMe })).status,
    200,
    'the mailed links are accepted',
  );
  const asked = `${service.url}/auth/email/change?token=${change}`;
  t.equal((await fetch(asked)).status, 200);
  const newPassword = 'a yellow piano 43';
  t.equal((await form(service, '/auth/password/reset', { token: reset, newPassword })).status, 200);
  service.time.now += 2 * DAY;
  t.equal((await service.post('/auth/login', { username: 'ann', password: newPassword })).status, 200);
});
