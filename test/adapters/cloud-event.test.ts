import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { setRole } from '../../src/app/administration/set-role.ts';
import { byCommand } from '../../src/domain/audit.ts';
import { toCloudEvent } from '../../src/domain/cloud-event.ts';
import type { ClaimedEntry, Outbox } from '../../src/ports/stores/outbox.ts';
import { proofKey } from '../support/dpop.ts';
import { eventTypes, schemaFaults } from '../support/event-schema.ts';
import { addAuthenticatorApp } from '../support/factors.ts';
import { claimsOf } from '../support/forge.ts';
import { type HttpService, startHttpService } from '../support/http.ts';
import { createMemoryStores } from '../support/memory/session-store.ts';
import { PASSWORD } from '../support/passwords.ts';
import { sessionUseCases, someKeys } from '../support/sessions.ts';

const SOURCE = 'https://auth.example.com';
const ann = { username: 'ann', email: 'ann@example.com', password: PASSWORD };

t.test('the id of the user in an event is a UUID or any text', async (t) => {
  const event = (userId: string) =>
    toCloudEvent(
      { id: randomUUID(), event: { type: 'users.disabled', occurredAt: 0, data: { userId } }, trace: null },
      SOURCE,
    );
  for (const userId of [randomUUID(), '42', 'auth0|123']) t.same(schemaFaults(event(userId)), []);
  t.not(schemaFaults(event('')).length, 0);
  t.equal(event('auth0|123').subject, 'auth0|123');
});

const claimEvents = (outbox: Outbox) =>
  outbox.claim('event', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 100);

/**
 * Causes each type of event except `sessions.healed`, as a user, as an operator and by a command. Returns the events.
 */
async function causeEvents(t: Test): Promise<readonly ClaimedEntry[]> {
  const http = { trustProxy: ['127.0.0.1'] };
  const service = await startHttpService(t, { http, policy: { onUserAgentChange: 'notify' } });
  const { post, send, outbox } = service;
  const password = 'a blue trombone 16';
  const logIn = async () => (await post('/auth/login', { username: 'ann', password })).body;
  const bearer = ({ access }: Record<string, unknown>) => ({ authorization: `Bearer ${access}` });
  const refresh = ({ access, refresh }: Record<string, unknown>, headers = {}) =>
    post('/auth/refresh', { accessToken: access, refreshToken: refresh }, headers);

  await post('/auth/register', ann);
  await post('/auth/password/reset', { token: await requestResetToken(service), newPassword: password });
  const stolen = await logIn();
  await refresh(stolen, { 'x-forwarded-for': '198.51.100.7', 'user-agent': 'curl/8' });
  await refresh(stolen);
  await changeEmail(service, bearer(await logIn()), password);
  await refresh((await post(`/auth/login?userId=${randomUUID()}&dpopJkt=${proofKey().jkt}`)).body);
  await post('/auth/logout', undefined, bearer(await logIn()));
  const { access: accessToken, refresh: refreshToken } = await logIn();
  await post('/auth/step-up', { accessToken, refreshToken, password });
  const signed = await logIn();
  const last = bearer(signed);
  await disableAndEnable(service);
  await changeAccount(service, await createAccount(service));
  const { sub, sid } = claimsOf(String(signed.access));
  await grantRole(service, String(sub));
  await changeClaims(service, String(sub), String(sid));
  const { id } = await addAuthenticatorApp(service, { access: String(signed.access) });
  await post('/auth/factors/recovery-codes', undefined, last);
  await send(`/auth/factors/${id}`, { method: 'DELETE', headers: last });
  const newPassword = 'a green trombone 17';
  await post('/auth/password', { currentPassword: password, newPassword }, last);
  await send('/auth/me', {
    method: 'DELETE',
    headers: { ...last, 'content-type': 'application/json' },
    body: JSON.stringify({ password: newPassword }),
  });
  return claimEvents(outbox);
}

async function disableAndEnable({ send, adminKey }: HttpService): Promise<void> {
  const path = `/admin/users/${randomUUID()}/disabled`;
  for (const method of ['PUT', 'DELETE']) await send(path, { method, headers: { 'x-api-key': adminKey } });
}

async function createAccount({ post, adminKey }: HttpService): Promise<string> {
  const account = { username: 'cid', email: 'cid@example.com', emailVerified: true };
  return String((await post('/admin/users', account, { 'x-api-key': adminKey })).body.id);
}

/** The changes of an account that only an operator can make. */
async function changeAccount({ send, adminKey }: HttpService, id: string): Promise<void> {
  const headers = { 'x-api-key': adminKey, 'content-type': 'application/json' };
  for (const changes of [
    { username: 'cidra' },
    { emailVerified: false },
    { emailVerified: true },
    { email: 'cid@example.org' },
  ])
    await send(`/admin/users/${id}`, { method: 'PATCH', headers, body: JSON.stringify(changes) });
}

async function changeClaims({ send, adminKey }: HttpService, userId: string, sid: string): Promise<void> {
  const headers = { 'x-api-key': adminKey, 'content-type': 'application/json' };
  const body = JSON.stringify({ claims: { team: 'red' } });
  await send(`/admin/users/${userId}/claims`, { method: 'PUT', headers, body });
  await send(`/admin/sessions/${sid}`, { method: 'PATCH', headers, body });
}

async function grantRole(service: HttpService, userId: string): Promise<void> {
  const { users, time } = service;
  const grant = setRole({ users, clock: () => time.now, newId: randomUUID, securityLog() {} });
  await grant(userId, { role: 'operator', isGranted: true }, byCommand('root'));
}

async function changeEmail(
  { post, outbox, links, url }: HttpService,
  bearer: Record<string, string>,
  password: string,
): Promise<void> {
  await post('/auth/email', { email: 'ann@example.org', password }, bearer);
  const mails = await outbox.claim('mail', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 100);
  for (const { event } of mails)
    if (event.type === 'users.email_change_requested')
      await fetch(`${url}/auth/email/change`, {
        method: 'POST',
        body: new URLSearchParams({ token: links.makeAddressSecret(event.data.linkId) }),
      });
}

async function requestResetToken({ post, outbox, links }: HttpService): Promise<string> {
  await post('/auth/password/forgot', { email: ann.email });
  for (;;) {
    const [mail] = await outbox.claim('mail', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 1);
    if (mail?.event.type === 'users.password_forgotten')
      return links.makeResetSecret(mail.event.data.resetId);
  }
}

/** Refreshes with a pair whose rotation the database has lost. Returns the events. */
async function causeHealing(): Promise<readonly ClaimedEntry[]> {
  const keys = someKeys();
  const service = await sessionUseCases({ keys });
  const first = await service.logIn();
  const row = await service.families.find(String(claimsOf(first.refresh).tokenFamily));
  const second = await service.refresh(first);
  const stores = createMemoryStores();
  if (row) await stores.families.open(row, []);
  await (await sessionUseCases({ stores, keys })).refresh(second);
  return claimEvents(stores.outbox);
}

t.test('every event matches its schema, and docs/events.md contains its type', async (t) => {
  const entries = [...(await causeEvents(t)), ...(await causeHealing())];
  const seen = new Set<string>(entries.map(({ event }) => event.type));
  t.same([...seen].sort(), [...eventTypes].sort(), 'each type of event occurs');
  for (const entry of entries) {
    const event = JSON.parse(JSON.stringify(toCloudEvent(entry, SOURCE)));
    t.same(schemaFaults(event), [], entry.event.type);
    t.match(event, { id: entry.id, source: SOURCE, type: entry.event.type, subject: event.data.userId });
  }
  const [example] = entries;
  t.ok(
    schemaFaults({ ...toCloudEvent(example!, SOURCE), data: { token: 'x' } }).length > 0,
    'the schema refuses unknown data',
  );

  const documented = [...readFileSync('docs/events.md', 'utf8').matchAll(/^\| `([a-z_.]+)` \|/gm)];
  t.same(documented.map(([, type]) => type).sort(), [...eventTypes].sort());
});
