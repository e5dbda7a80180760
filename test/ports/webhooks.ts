import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import { type ChangeType, SYSTEM } from '../../src/domain/audit.ts';
import type { DomainEvent } from '../../src/domain/events.ts';
import type { DisabledReason, WebhookEndpoint } from '../../src/domain/webhooks.ts';
import type { AuditLog } from '../../src/ports/stores/audit-log.ts';
import type { DeliveryKind } from '../../src/ports/stores/outbox.ts';
import type { TokenFamilies } from '../../src/ports/stores/token-families.ts';
import type { DeliveredEvent, WebhookDeliveries } from '../../src/ports/stores/webhook-deliveries.ts';
import type { EndpointChange, WebhookEndpoints } from '../../src/ports/stores/webhook-endpoints.ts';
import { NOW, someAuditEntry, someFamily } from '../support/families.ts';

export interface WebhookStores {
  readonly families: TokenFamilies;
  readonly webhookEndpoints: WebhookEndpoints;
  readonly webhookDeliveries: WebhookDeliveries;
  readonly auditLog: AuditLog;
}

type Fresh = (t: Test) => Promise<WebhookStores>;

const MINUTE = 60_000;
const LIMITS = { total: 100, ofOwner: 10 };

export function someEndpoint(values: Partial<WebhookEndpoint> = {}): WebhookEndpoint {
  return {
    id: randomUUID(),
    url: 'https://hooks.example.com/in',
    types: ['*'],
    format: 'webhook',
    audience: null,
    contact: null,
    owner: null,
    stream: null,
    state: 'enabled',
    disabledBecause: null,
    createdAt: NOW,
    failingSince: null,
    sealedCredentials: 'sealed',
    declared: false,
    ...values,
  };
}

/** Changes the endpoint as it is stored. */
export async function changeEndpoint(
  store: WebhookEndpoints,
  id: string,
  change: EndpointChange,
): Promise<WebhookEndpoint | null> {
  const stored = await store.find(id);
  return stored && store.change(stored, change);
}

function startedEvent(occurredAt: number): DomainEvent {
  const data = { userId: randomUUID(), sessionId: randomUUID(), address: '192.0.2.1', userAgent: 'test' };
  return { type: 'sessions.started', occurredAt, data };
}

/** Records the event with a new session. Returns its id. */
async function record(
  { families }: WebhookStores,
  event: DomainEvent = startedEvent(NOW),
  kind: DeliveryKind = 'event',
): Promise<string> {
  const id = randomUUID();
  await families.open(someFamily(), [{ id, kind, event }]);
  return id;
}

/** An endpoint with an event at each of these times. */
async function withEvents(
  fresh: Fresh,
  t: Test,
  times: readonly number[],
  values?: Partial<WebhookEndpoint>,
) {
  const stores = await fresh(t);
  const endpoint = someEndpoint(values);
  await stores.webhookEndpoints.add(endpoint, LIMITS);
  const ids: string[] = [];
  for (const at of times) ids.push(await record(stores, startedEvent(at)));
  return { ...stores, endpoint, ids };
}

/** An endpoint that has a contact, and that the service has disabled. */
async function withDisabled(fresh: Fresh, t: Test) {
  const { webhookEndpoints } = await fresh(t);
  const { id } = someEndpoint();
  await webhookEndpoints.add(someEndpoint({ id, contact: 'ann@example.com' }), LIMITS);
  await disable(webhookEndpoints, id, 'gone');
  return { webhookEndpoints, id };
}

function disable(store: WebhookEndpoints, id: string, disabledBecause: DisabledReason) {
  return changeEndpoint(store, id, { state: 'disabled', disabledBecause });
}

function claimNotifications(store: WebhookEndpoints, now: number, limit = 10) {
  return store.claimNotifications(now, now + MINUTE, limit);
}

function someNotice(): DeliveredEvent {
  const data = { status: 'disabled', reason: 'An operator has disabled the stream.' };
  return { id: randomUUID(), type: 'streams.updated', occurredAt: NOW, data };
}

const auditEntryOf = (type: ChangeType, endpointId: string) => someAuditEntry(type, { data: { endpointId } });

const attempt = { at: NOW, milliseconds: 3, status: 500, reason: 'HTTP 500' };
const deliveredResult = (eventId: string) =>
  ({ eventId, state: 'delivered', dueAt: NOW, history: [attempt] }) as const;

/** The contract of {@link WebhookEndpoints} and {@link WebhookDeliveries}. */
export function webhooksContract(t: Test, fresh: Fresh): void {
  t.test('endpoints', (t) => endpoints(t, fresh));
  t.test('fan-out', (t) => fanOut(t, fresh));
  t.test('claims', (t) => claims(t, fresh));
  t.test('inspection', (t) => inspection(t, fresh));
  t.test('concurrency', (t) => concurrency(t, fresh));
  t.end();
}

async function endpoints(t: Test, fresh: Fresh): Promise<void> {
  await t.test('an endpoint is found unchanged until it is removed', async (t) => {
    const { webhookEndpoints: store } = await fresh(t);
    const stream = { description: 'ours', eventsRequested: ['urn:a'], statusReason: null };
    const one = someEndpoint({
      types: ['users.*', 'sessions.revoked'],
      contact: 'ann@example.com',
      declared: true,
    });
    const other = someEndpoint({ createdAt: NOW + 1, format: 'set', audience: 'app', owner: 'app', stream });
    t.equal(await store.add(one, LIMITS), true);
    t.equal(await store.add({ ...one, url: other.url }, LIMITS), false, 'the id exists');
    t.equal(await store.add(other, LIMITS), true);
    t.same(await store.find(one.id), one);
    t.same(await store.find(other.id), other);
    t.same(await store.list(), [one, other]);
    t.equal(await store.find(randomUUID()), null);
    t.equal(await store.remove(one.id), true);
    t.equal(await store.remove(one.id), false);
    t.same(await store.list(), [other]);
  });

  await t.test('the audit entry of a change is recorded if and only if the change commits', async (t) => {
    const { webhookEndpoints: store, webhookDeliveries: deliveries, auditLog } = await fresh(t);
    const endpoint = someEndpoint({ sealedCredentials: 'sealed' });
    const { id } = endpoint;
    const resealed = { id, sealed: 'new' };
    t.equal(await store.add(endpoint, LIMITS, [auditEntryOf('webhooks.added', id)]), true);
    t.equal(await store.add(endpoint, LIMITS, [auditEntryOf('webhooks.added', id)]), false);
    const change = { contact: 'ann@example.com' };
    t.not(await store.change(endpoint, change, [auditEntryOf('webhooks.changed', id)]), null);
    t.equal(await store.change(endpoint, change, [auditEntryOf('webhooks.changed', id)]), null);
    t.equal(await store.reseal(resealed, 'other', [auditEntryOf('webhooks.secret_rotated', id)]), false);
    t.equal(await store.reseal(resealed, 'sealed', [auditEntryOf('webhooks.secret_rotated', id)]), true);
    const event = { id: randomUUID(), type: 'users.deleted', occurredAt: NOW, data: {} };
    await deliveries.add(id, event);
    await deliveries.record(id, [deliveredResult(event.id)]);
    await deliveries.sendAgain(id, randomUUID(), NOW, [auditEntryOf('webhooks.sent_again', id)]);
    await deliveries.sendAgain(id, event.id, NOW, [auditEntryOf('webhooks.sent_again', id)]);
    const period = { from: NOW, to: NOW + 1, onlyFailed: false };
    t.equal(
      (await deliveries.sendPeriodAgain(id, period, NOW, 10, [auditEntryOf('webhooks.sent_again', id)]))
        .count,
      0,
      'the delivery is pending already',
    );
    await store.remove(id, [auditEntryOf('webhooks.removed', id)]);
    await store.remove(id, [auditEntryOf('webhooks.removed', id)]);
    const { events } = await auditLog.list({}, { limit: 100, after: null });
    t.same(events.map(({ type }) => type).sort(), [
      'webhooks.added',
      'webhooks.changed',
      'webhooks.removed',
      'webhooks.secret_rotated',
      'webhooks.sent_again',
    ]);
    t.ok(events.every(({ data }) => data.endpointId === id));
  });

  await t.test('a change replaces what it names and nothing else', async (t) => {
    const { webhookEndpoints: store } = await fresh(t);
    const endpoint = someEndpoint({ contact: 'ann@example.com' });
    await store.add(endpoint, LIMITS);
    const url = 'https://other.example.com/';
    t.same(await store.change(endpoint, { url, types: ['users.*'] }), {
      ...endpoint,
      url,
      types: ['users.*'],
    });
    const changed = { ...endpoint, url, types: ['users.*'], contact: null, sealedCredentials: null };
    t.same(await changeEndpoint(store, endpoint.id, { contact: null, sealedCredentials: null }), changed);
    t.same(await store.find(endpoint.id), changed);
    t.equal(await store.change(someEndpoint(), { url }), null);
  });

  await t.test('an endpoint that differs from the expected one is not changed', async (t) => {
    const { webhookEndpoints: store, webhookDeliveries } = await fresh(t);
    const stream = { description: 'ours', eventsRequested: ['urn:a'], statusReason: null };
    const endpoint = someEndpoint({ owner: 'app', stream });
    const { id } = endpoint;
    await store.add(endpoint, LIMITS);
    const others: Partial<WebhookEndpoint>[] = [
      { url: 'https://other.example.com/' },
      { types: ['users.*'] },
      { contact: 'ann@example.com' },
      { stream: { ...stream, statusReason: 'An upgrade' } },
      { state: 'disabled', disabledBecause: null },
      { disabledBecause: 'gone' },
      { sealedCredentials: null },
      { failingSince: NOW },
    ];
    const change = { contact: 'bob@example.com' };
    for (const other of others)
      t.equal(await store.change({ ...endpoint, ...other }, change, [], someNotice()), null);
    t.same(await store.find(id), endpoint);
    t.same(await webhookDeliveries.list(id, 10, null), []);
  });

  await t.test('the event about a change is recorded together with it', async (t) => {
    const { webhookEndpoints: store, webhookDeliveries } = await fresh(t);
    const endpoint = someEndpoint();
    await store.add(endpoint, LIMITS);
    const notice = someNotice();
    const change = { state: 'disabled', disabledBecause: 'operator' } as const;
    const entries = [auditEntryOf('webhooks.changed', endpoint.id)];
    t.same(await store.change(endpoint, change, entries, notice), { ...endpoint, ...change });
    const claimed = await webhookDeliveries.claim(endpoint.id, NOW, NOW + MINUTE, 10);
    t.same(claimed, [{ event: notice, attempt: 1, history: [], trace: null }]);
    const disabled = { ...endpoint, ...change };
    await t.rejects(
      store.change(disabled, { state: 'enabled' }, [], notice),
      'the id of the event is not new',
    );
    t.match(await store.find(endpoint.id), change);
  });

  await t.test('no more endpoints than a limit are added', async (t) => {
    const { webhookEndpoints: store } = await fresh(t);
    const limits = { total: 3, ofOwner: 1 };
    t.equal(await store.add(someEndpoint({ owner: 'one' }), limits), true);
    t.equal(await store.add(someEndpoint({ owner: 'one' }), limits), false, 'the limit of one owner');
    t.equal(await store.add(someEndpoint({ owner: 'two' }), limits), true);
    t.equal(await store.add(someEndpoint(), limits), true, 'operators have no limit of their own');
    t.equal(await store.add(someEndpoint(), limits), false, 'of all owners');
  });

  await t.test('the time of the first failure is kept until a success', async (t) => {
    const { webhookEndpoints: store } = await fresh(t);
    const { id } = someEndpoint();
    await store.add(someEndpoint({ id }), LIMITS);
    const since = async () => (await store.find(id))?.failingSince;
    await store.recordHealth(id, { at: NOW, hasSucceeded: false, heldUntil: null });
    await store.recordHealth(id, { at: NOW + MINUTE, hasSucceeded: false, heldUntil: null });
    t.equal(await since(), NOW);
    await store.recordHealth(id, { at: NOW + MINUTE, hasSucceeded: true, heldUntil: null });
    t.equal(await since(), null);
  });

  await t.test(
    'an answer that asks for a shorter wait does not shorten the wait of an earlier one',
    async (t) => {
      const { webhookEndpoints, webhookDeliveries: store, endpoint } = await withEvents(fresh, t, [NOW]);
      const hold = (hasSucceeded: boolean, heldUntil: number | null) =>
        webhookEndpoints.recordHealth(endpoint.id, { at: NOW, hasSucceeded, heldUntil });
      for (const hasSucceeded of [false, true]) {
        await hold(hasSucceeded, NOW + 2 * MINUTE);
        await hold(hasSucceeded, NOW + MINUTE);
        await hold(hasSucceeded, null);
        t.same(await store.listDueEndpoints(NOW + 2 * MINUTE - 1), []);
        t.same(await store.listDueEndpoints(NOW + 2 * MINUTE), [endpoint.id]);
      }
      await hold(false, NOW + 3 * MINUTE);
      t.same(await store.listDueEndpoints(NOW + 2 * MINUTE), [], 'a longer wait replaces a shorter one');
    },
  );

  await t.test('the contact of an endpoint that the service disabled is notified once', async (t) => {
    const { webhookEndpoints: store } = await fresh(t);
    const dead = someEndpoint({ contact: 'ann@example.com' });
    const [silent, well] = [someEndpoint(), someEndpoint({ contact: 'ann@example.com' })];
    for (const endpoint of [dead, silent, well]) await store.add(endpoint, LIMITS);
    for (const { id } of [dead, silent]) {
      await store.recordHealth(id, { at: NOW, hasSucceeded: false, heldUntil: null });
      await disable(store, id, 'dead');
    }
    const { id, url, contact } = dead;
    const claimed = { id, url, contact, because: 'dead', failingSince: NOW, attempt: 1, since: NOW };
    t.same(await claimNotifications(store, NOW), [claimed]);
    await store.endNotification({ id, attempt: 1, since: NOW }, NOW);
    t.same(await claimNotifications(store, NOW + 2 * MINUTE), []);
    const enabled = { state: 'enabled', disabledBecause: null } as const;
    t.same(await changeEndpoint(store, dead.id, enabled), dead, 'failures are forgotten');
    await disable(store, dead.id, 'gone');
    t.same(
      await claimNotifications(store, NOW),
      [{ ...claimed, because: 'gone', failingSince: null }],
      'a new reason causes another notification',
    );
  });

  await t.test(
    'a notification is due again at the time it was postponed to, or after its lease',
    async (t) => {
      const { webhookEndpoints: store, id } = await withDisabled(fresh, t);
      const attempts = async (now: number) =>
        (await claimNotifications(store, now)).map(({ attempt, since }) => [attempt, since]);
      t.same(await attempts(NOW), [[1, NOW]]);
      t.same(await attempts(NOW + MINUTE - 1), [], 'the claim is leased');
      t.same(await attempts(NOW + MINUTE), [[2, NOW]]);
      await store.postponeNotification({ id, attempt: 1, since: NOW }, NOW + 9 * MINUTE);
      await store.postponeNotification({ id, attempt: 2, since: NOW }, NOW + 5 * MINUTE);
      t.same(await attempts(NOW + 5 * MINUTE - 1), []);
      t.same(await attempts(NOW + 5 * MINUTE), [[3, NOW]]);
      await changeEndpoint(store, id, { contact: 'bob@example.com' });
      t.same(await attempts(NOW + 5 * MINUTE), [], 'another change keeps the lease');
      await changeEndpoint(store, id, { state: 'enabled', disabledBecause: null });
      t.same(await attempts(NOW + 9 * MINUTE), [], 'an enabled endpoint');
      await disable(store, id, 'gone');
      await store.endNotification({ id, attempt: 3, since: NOW }, NOW + 9 * MINUTE);
      t.same(
        await attempts(NOW + 9 * MINUTE),
        [[1, NOW + 9 * MINUTE]],
        'the end of an earlier claim does not end the notification about a later disabling',
      );
    },
  );

  await t.test('no notification is recorded if an operator or a receiver disables an endpoint', async (t) => {
    const { webhookEndpoints: store } = await fresh(t);
    const endpoint = someEndpoint({ contact: 'ann@example.com' });
    await store.add(endpoint, LIMITS);
    for (const disabledBecause of ['operator', 'receiver'] as const) {
      await disable(store, endpoint.id, disabledBecause);
      t.same(await claimNotifications(store, NOW), [], disabledBecause);
    }
  });

  await t.test(
    'sealed credentials are listed in pages, and replaced only if they are the expected ones',
    async (t) => {
      const { webhookEndpoints: store } = await fresh(t);
      const ids = [randomUUID(), randomUUID(), randomUUID()].sort();
      for (const id of ids) await store.add(someEndpoint({ id, sealedCredentials: `of ${id}` }), LIMITS);
      await store.add(someEndpoint({ sealedCredentials: null }), LIMITS);
      const all = ids.map((id) => ({ id, sealed: `of ${id}` }));
      t.same(await store.listSealed(null, 2), all.slice(0, 2));
      t.same(await store.listSealed(ids[1] ?? '', 2), all.slice(2));
      const [id = ''] = ids;
      t.equal(await store.reseal({ id, sealed: 'new' }, 'other'), false);
      t.equal(await store.reseal({ id, sealed: 'new' }, `of ${id}`), true);
      t.equal((await store.find(id))?.sealedCredentials, 'new');
    },
  );
}

async function fanOut(t: Test, fresh: Fresh): Promise<void> {
  await t.test(
    'an event goes to each endpoint that subscribes to its type, and to no other endpoint',
    async (t) => {
      const stores = await fresh(t);
      const { webhookEndpoints, webhookDeliveries } = stores;
      const wanting = [['*'], ['sessions.*'], ['users.*', 'sessions.started']].map((types) =>
        someEndpoint({ types }),
      );
      const paused = someEndpoint({ state: 'paused' });
      const others = [
        ['users.*'],
        ['sessions.started_on_new_device'],
        ['sessions'],
        ['session%'],
        ['sessions_started'],
      ].map((types) => someEndpoint({ types }));
      const disabled = someEndpoint({ state: 'disabled' });
      for (const endpoint of [...wanting, paused, ...others, disabled])
        await webhookEndpoints.add(endpoint, LIMITS);
      const event = startedEvent(NOW);
      const id = await record(stores, event);
      for (const endpoint of wanting) {
        const claimed = await webhookDeliveries.claim(endpoint.id, NOW, NOW + MINUTE, 10);
        t.same(
          claimed,
          [{ event: { id, ...event }, attempt: 1, history: [], trace: null }],
          `${endpoint.types}`,
        );
      }
      t.equal((await webhookDeliveries.list(paused.id, 10, null)).length, 1);
      t.same(await webhookDeliveries.claim(paused.id, NOW, NOW + MINUTE, 10), [], 'it waits');
      for (const endpoint of [...others, disabled])
        t.same(
          await webhookDeliveries.list(endpoint.id, 10, null),
          [],
          `${endpoint.types} ${endpoint.state}`,
        );
    },
  );

  await t.test('neither a mail nor an event whose change fails goes to an endpoint', async (t) => {
    const stores = await fresh(t);
    const endpoint = someEndpoint();
    await stores.webhookEndpoints.add(endpoint, LIMITS);
    await record(stores, startedEvent(NOW), 'mail');
    const family = someFamily();
    await stores.families.open(family, []);
    await t.rejects(
      stores.families.open(family, [{ id: randomUUID(), kind: 'event', event: startedEvent(NOW) }]),
    );
    t.same(await stores.webhookDeliveries.list(endpoint.id, 10, null), []);
  });

  await t.test('if all sessions of a user end, the endpoint gets one event for each session', async (t) => {
    const stores = await fresh(t);
    const endpoint = someEndpoint({ types: ['sessions.revoked'] });
    await stores.webhookEndpoints.add(endpoint, LIMITS);
    const { userId } = someFamily();
    for (let n = 0; n < 3; n += 1) await stores.families.open(someFamily({ userId }), []);
    await stores.families.revokeAll(userId, { at: NOW, reason: 'logout', except: null, origin: SYSTEM });
    t.equal((await stores.webhookDeliveries.claim(endpoint.id, NOW, NOW + MINUTE, 10)).length, 3);
  });
}

async function claims(t: Test, fresh: Fresh): Promise<void> {
  await t.test(
    'a claim leases the longest due deliveries, and a delivery without a result is due again after the lease',
    async (t) => {
      const { webhookDeliveries: store, endpoint, ids } = await withEvents(fresh, t, [NOW, NOW + 1, NOW + 2]);
      const claim = async (now: number) =>
        (await store.claim(endpoint.id, now, now + MINUTE, 2)).map(({ event, attempt }) => [
          event.id,
          attempt,
        ]);
      t.same(await store.listDueEndpoints(NOW - 1), []);
      t.same(await store.listDueEndpoints(NOW), [endpoint.id]);
      t.same(await claim(NOW + 2), [
        [ids[0], 1],
        [ids[1], 1],
      ]);
      t.same(await claim(NOW + 2), [[ids[2], 1]]);
      t.same(await claim(NOW + 2), []);
      t.same(await store.listDueEndpoints(NOW + 2), []);
      t.same(await claim(NOW + 2 + MINUTE), [
        [ids[0], 2],
        [ids[1], 2],
      ]);
    },
  );

  await t.test('the result of an attempt decides when the delivery is due again', async (t) => {
    const { webhookDeliveries: store, endpoint, ids } = await withEvents(fresh, t, [NOW, NOW, NOW]);
    const [done = '', retried = '', failed = ''] = ids;
    await store.claim(endpoint.id, NOW, NOW + MINUTE, 10);
    const history = [attempt];
    await store.record(endpoint.id, [
      deliveredResult(done),
      { eventId: retried, state: 'pending', dueAt: NOW + 2 * MINUTE, history },
      { eventId: failed, state: 'failed', dueAt: NOW, history },
    ]);
    t.same(await store.claim(endpoint.id, NOW + MINUTE, NOW + MINUTE, 10), []);
    const [again, ...more] = await store.claim(endpoint.id, NOW + 2 * MINUTE, NOW + 3 * MINUTE, 10);
    t.same(more, []);
    t.match(again, { event: { id: retried }, attempt: 2, history });
    await store.record(endpoint.id, [{ eventId: done, state: 'pending', dueAt: NOW, history: [] }]);
    const states = (await store.list(endpoint.id, 10, null)).map(({ event, state }) => [event.id, state]);
    t.equal(new Map(states as [string, string][]).get(done), 'delivered', 'a late result changes nothing');
  });

  await t.test('a disabled stream gets only the event streams.updated', async (t) => {
    const { webhookEndpoints, webhookDeliveries: store, endpoint } = await withEvents(fresh, t, [NOW]);
    const change = { state: 'disabled', disabledBecause: 'operator' } as const;
    await changeEndpoint(webhookEndpoints, endpoint.id, change);
    t.same(await store.listDueEndpoints(NOW), []);
    const event = {
      id: randomUUID(),
      type: 'streams.updated',
      occurredAt: NOW,
      data: { status: 'disabled' },
    };
    await store.add(endpoint.id, event);
    t.same(await store.listDueEndpoints(NOW - 1), []);
    t.same(await store.listDueEndpoints(NOW), [endpoint.id]);
    const claim = () => store.claim(endpoint.id, NOW, NOW + MINUTE, 10);
    const claimed = await claim();
    t.equal(claimed.length, 1);
    t.match(claimed, [{ event, attempt: 1 }]);
    t.same(await claim(), []);
    t.same(await store.listDueEndpoints(NOW), []);
  });

  await t.test('a held or disabled endpoint has nothing due', async (t) => {
    const { webhookEndpoints, webhookDeliveries: store, endpoint } = await withEvents(fresh, t, [NOW]);
    await webhookEndpoints.recordHealth(endpoint.id, {
      at: NOW,
      hasSucceeded: true,
      heldUntil: NOW + MINUTE,
    });
    t.same(await store.listDueEndpoints(NOW), []);
    t.same(await store.claim(endpoint.id, NOW, NOW + MINUTE, 10), []);
    t.same(await store.backlog(NOW), { pending: 1, oldestDueAt: NOW });
    t.same(await store.listDueEndpoints(NOW + MINUTE), [endpoint.id]);
    await changeEndpoint(webhookEndpoints, endpoint.id, { state: 'disabled', disabledBecause: 'gone' });
    t.same(await store.listDueEndpoints(NOW + MINUTE), []);
    t.same(await store.claim(endpoint.id, NOW + MINUTE, NOW + MINUTE, 10), []);
    t.same(await store.backlog(NOW), { pending: 0, oldestDueAt: null });
    await webhookEndpoints.remove(endpoint.id);
    t.same(await store.claim(endpoint.id, NOW + MINUTE, NOW + MINUTE, 10), []);
  });
}

async function inspection(t: Test, fresh: Fresh): Promise<void> {
  await t.test('deliveries are listed newest event first, in pages', async (t) => {
    const { webhookDeliveries: store, endpoint, ids } = await withEvents(fresh, t, [NOW, NOW + 2, NOW + 1]);
    const [first, ...rest] = await store.list(endpoint.id, 1, null);
    t.same(first, {
      event: { id: ids[1], type: 'sessions.started', occurredAt: NOW + 2 },
      state: 'pending',
      dueAt: NOW + 2,
      attempts: 0,
      history: [],
    });
    t.same(rest, []);
    const after = { occurredAt: NOW + 2, eventId: ids[1] ?? '' };
    t.same(
      (await store.list(endpoint.id, 10, after)).map(({ event }) => event.id),
      [ids[2], ids[0]],
    );
    t.same(await store.list(randomUUID(), 10, null), []);
  });

  await t.test('one delivery can be sent again, and may then use all its attempts', async (t) => {
    const { webhookDeliveries: store, endpoint, ids } = await withEvents(fresh, t, [NOW]);
    const [id = ''] = ids;
    await store.claim(endpoint.id, NOW, NOW + MINUTE, 10);
    await store.record(endpoint.id, [deliveredResult(id)]);
    t.equal(await store.sendAgain(endpoint.id, id, NOW + 1), true);
    t.match(await store.claim(endpoint.id, NOW + 1, NOW + MINUTE, 10), [
      { event: { id }, attempt: 1, history: [attempt] },
    ]);
    t.equal(await store.sendAgain(endpoint.id, randomUUID(), NOW), false);
    t.equal(await store.sendAgain(randomUUID(), id, NOW), false, 'of another endpoint');
  });

  await t.test('the deliveries of a period are sent again in batches', async (t) => {
    const times = [NOW, NOW + 1, NOW + 2, NOW + 3, NOW + 4];
    const { webhookDeliveries: store, endpoint, ids } = await withEvents(fresh, t, times);
    const [, one = '', two = '', three = '', last = ''] = ids;
    await store.record(endpoint.id, [
      ...[one, two, last].map(deliveredResult),
      { eventId: three, state: 'failed', dueAt: NOW, history: [] },
    ]);
    const period = { from: NOW, to: NOW + 4 };
    const again = (onlyFailed: boolean, limit: number) =>
      store.sendPeriodAgain(endpoint.id, { ...period, onlyFailed }, NOW + MINUTE, limit);
    t.same(await again(true, 10), { count: 1, latest: NOW + 3 }, 'the failed delivery');
    t.same(await again(false, 1), { count: 1, latest: NOW + 1 });
    t.same(await again(false, 10), { count: 1, latest: NOW + 2 }, 'the rest');
    t.same(await again(false, 10), { count: 0, latest: null });
    const due = await store.claim(endpoint.id, NOW + MINUTE, NOW + 2 * MINUTE, 10);
    t.same(due.map(({ event }) => event.id).sort(), ids.slice(0, 4).sort());
  });

  await t.test('an event that was added for one endpoint is delivered to that endpoint', async (t) => {
    const { webhookDeliveries: store, endpoint } = await withEvents(fresh, t, []);
    const event = { id: randomUUID(), type: 'streams.verified', occurredAt: NOW, data: { state: 'x' } };
    await store.add(endpoint.id, event);
    t.match(await store.claim(endpoint.id, NOW, NOW + MINUTE, 10), [{ event, attempt: 1 }]);
  });

  await t.test('old deliveries are removed in batches', async (t) => {
    const { webhookDeliveries: store, endpoint, ids } = await withEvents(fresh, t, [NOW, NOW + 1, NOW + 2]);
    t.equal(await store.forget(NOW + 2, 1), 1, 'no more than the limit of the call');
    t.equal(await store.forget(NOW + 2, 10), 1);
    t.equal(await store.forget(NOW + 2, 10), 0);
    t.same(
      (await store.list(endpoint.id, 10, null)).map(({ event }) => event.id),
      ids.slice(2),
    );
  });

  await t.test('the deliveries of a removed endpoint are removed in batches, and no others', async (t) => {
    const {
      webhookEndpoints,
      webhookDeliveries: store,
      endpoint,
    } = await withEvents(fresh, t, [NOW, NOW + 1]);
    const other = someEndpoint();
    await webhookEndpoints.add(other, LIMITS);
    const event = { id: randomUUID(), type: 'streams.verified', occurredAt: NOW, data: {} };
    await store.add(other.id, event);
    t.equal(await store.forgetRemoved(endpoint.id, 10), 0, 'not while the endpoint exists');
    await webhookEndpoints.remove(endpoint.id);
    t.equal(await store.forgetRemoved(endpoint.id, 1), 1);
    t.equal(await store.forgetRemoved(endpoint.id, 10), 1);
    t.equal(await store.forgetRemoved(endpoint.id, 10), 0);
    t.equal((await store.list(other.id, 10, null)).length, 1);
  });
}

async function concurrency(t: Test, fresh: Fresh): Promise<void> {
  await t.test('only one of many concurrent callers claims a delivery', async (t) => {
    const times = Array.from({ length: 40 }, (_, n) => NOW + n);
    const { webhookDeliveries: store, endpoint, ids } = await withEvents(fresh, t, times);
    const claimed = await Promise.all(
      Array.from({ length: 10 }, () => store.claim(endpoint.id, NOW + MINUTE, NOW + 2 * MINUTE, 7)),
    );
    const claimedIds = claimed.flat().map(({ event }) => event.id);
    t.same([...claimedIds].sort(), [...ids].sort());
  });

  await t.test('only one of many concurrent callers claims a notification', async (t) => {
    const { webhookEndpoints: store } = await fresh(t);
    const ids = Array.from({ length: 10 }, () => randomUUID());
    for (const id of ids) {
      await store.add(someEndpoint({ id, contact: 'ann@example.com' }), LIMITS);
      await disable(store, id, 'dead');
    }
    const claimed = await Promise.all(Array.from({ length: 6 }, () => claimNotifications(store, NOW, 3)));
    t.ok(claimed.every(({ length }) => length <= 3));
    const rest = await claimNotifications(store, NOW, 10);
    const claimedIds = [...claimed.flat(), ...rest].map(({ id }) => id);
    t.same(claimedIds.sort(), ids.sort());
  });

  await t.test('only one of many concurrent changes to the same endpoint is made', async (t) => {
    const { webhookEndpoints: store, webhookDeliveries } = await fresh(t);
    const endpoint = someEndpoint();
    await store.add(endpoint, LIMITS);
    const changed = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        store.change(endpoint, { contact: `${n}@example.com` }, [], someNotice()),
      ),
    );
    const made = changed.filter((one) => one !== null);
    t.equal(made.length, 1);
    t.same(await store.find(endpoint.id), made[0]);
    t.equal((await webhookDeliveries.list(endpoint.id, 100, null)).length, 1);
  });

  await t.test('concurrent additions never exceed a limit', async (t) => {
    const { webhookEndpoints: store } = await fresh(t);
    const limits = { total: 5, ofOwner: 10 };
    const added = await Promise.all(Array.from({ length: 12 }, () => store.add(someEndpoint(), limits)));
    t.equal(added.filter(Boolean).length, 5);
    t.equal((await store.list()).length, 5);
  });
}
