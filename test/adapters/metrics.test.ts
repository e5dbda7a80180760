import t from 'tap';
import {
  addUpMetrics,
  createWorkerMetrics,
  type Samples,
} from '../../src/adapters/telemetry/metrics/add-up.ts';
import { createMetrics } from '../../src/adapters/telemetry/metrics.ts';
import { monitorOverload } from '../../src/adapters/telemetry/overload.ts';
import { refresh } from '../../src/app/sessions/refresh.ts';
import type { Backlog } from '../../src/ports/stores/outbox.ts';
import { StoreUnavailable } from '../../src/ports/stores/store-unavailable.ts';
import { seriesIn } from '../support/exposition.ts';
import { claimsOf } from '../support/forge.ts';
import { createMemoryStores } from '../support/memory/session-store.ts';
import { HOME, outcome, REFRESH_REQUEST, sessionUseCases } from '../support/sessions.ts';

const NOW = 1_700_000_000_000;
const READINGS = {
  hashesRunning: () => 0,
  hashesWaiting: () => 0,
  isFeedComplete: () => false,
  revocationConsumers: () => 3,
  droppedLines: () => 7,
};

function withBacklog(backlog: () => Promise<readonly Backlog[]>, { publishesEvents = true } = {}) {
  const metrics = createMetrics();
  let queries = 0;
  const outbox = {
    backlog: () => {
      queries += 1;
      return backlog();
    },
  };
  const webhookDeliveries = { backlog: async () => ({ pending: 2, oldestDueAt: NOW - 3_000 }) };
  metrics.addReadings({ ...READINGS, outbox, webhookDeliveries, publishesEvents, clock: () => NOW });
  return { scrape: async () => seriesIn(await metrics.scrape()), queries: () => queries };
}

const outboxSeries = (series: ReadonlyMap<string, number>) =>
  Object.fromEntries([...series].filter(([name]) => /^kinship_(?:outbox|database)/.test(name)));

t.test(
  'the counters of deliveries that are given up start at 0, so that the first one is an increase',
  async (t) => {
    const series = seriesIn(await createMetrics().scrape());
    const initial = (kind: string, outcome: string) =>
      series.get(`kinship_deliveries_total{kind="${kind}",outcome="${outcome}"}`);
    t.equal(initial('mail', 'dead_letter'), 0);
    t.equal(initial('mail', 'unaddressed'), 0);
    t.equal(initial('event', 'unwanted'), 0);
  },
);

t.test('many scrapes query the outbox once', async (t) => {
  const { scrape, queries } = withBacklog(async () => [
    { kind: 'event', count: 3, oldestAt: NOW - 90_000, postponed: 7 },
    { kind: 'mail', count: 0, oldestAt: null, postponed: 0 },
  ]);
  const expected = {
    kinship_database_up: 1,
    'kinship_outbox_entries{kind="event"}': 3,
    'kinship_outbox_entries{kind="mail"}': 0,
    'kinship_outbox_oldest_entry_age_seconds{kind="event"}': 90,
    'kinship_outbox_oldest_entry_age_seconds{kind="mail"}': 0,
    'kinship_outbox_postponed_entries{kind="event"}': 7,
    'kinship_outbox_postponed_entries{kind="mail"}': 0,
  };
  const all = await Promise.all([scrape(), scrape(), scrape()]);
  for (const series of all) t.same(outboxSeries(series), expected);
  t.equal(queries(), 1);
  t.equal(all[0].get('kinship_revocation_feed_complete'), 0);
  t.equal(all[0].get('kinship_log_lines_dropped_total'), 7);
});

t.test('events that are only logged do not count as postponed', async (t) => {
  const { scrape } = withBacklog(
    async () => [
      { kind: 'event', count: 0, oldestAt: null, postponed: 5_000 },
      { kind: 'mail', count: 0, oldestAt: null, postponed: 2 },
    ],
    { publishesEvents: false },
  );
  t.match(outboxSeries(await scrape()), {
    'kinship_outbox_postponed_entries{kind="event"}': 0,
    'kinship_outbox_postponed_entries{kind="mail"}': 2,
  });
});

t.test('a scrape neither fails nor waits long if the database is unavailable', async (t) => {
  const down = withBacklog(() => Promise.reject(new StoreUnavailable('nothing', new Error('away'))));
  t.same(outboxSeries(await down.scrape()), { kinship_database_up: 0 });
  const stuck = withBacklog(() => new Promise(() => {}));
  t.same(outboxSeries(await waitKeepingAlive(stuck.scrape())), { kinship_database_up: 0 });
});

t.test('store calls are counted by store, duration and failure', async (t) => {
  const { storeCalls, scrape } = createMetrics();
  let answer = () => {};
  const waiting = storeCalls.measure('users', () => new Promise<void>((resolve) => (answer = resolve)));
  t.equal(storeCalls.unansweredFor(60_000), 0);
  t.equal(storeCalls.unansweredFor(0), 1);
  t.equal(seriesIn(await scrape()).get('kinship_store_calls_in_flight'), 1);
  answer();
  await waiting;
  const failWith = (error: Error) => storeCalls.measure('users', () => Promise.reject(error));
  await t.rejects(failWith(new StoreUnavailable('unknown', new Error('lost'))), StoreUnavailable);
  await t.rejects(failWith(new TypeError('a programming error')), TypeError);
  const series = seriesIn(await scrape());
  t.equal(series.get('kinship_store_calls_in_flight'), 0);
  t.equal(series.get('kinship_store_call_duration_seconds_count{store="users"}'), 3);
  t.equal(series.get('kinship_store_calls_failed_total{outcome="unknown"}'), 1);
  t.equal(series.get('kinship_store_calls_failed_total{outcome="fault"}'), 1);
});

t.test('refreshes, retries and reused tokens are counted', async (t) => {
  const service = await sessionUseCases();
  const first = await service.logIn();
  const second = await service.refresh(first, { key: 'one' });
  service.time.now += 2_000;
  await service.refresh(first, { key: 'one' });
  service.time.now += 3_000;
  t.equal(await outcome(service.refresh(first, { key: 'two' })), 'token_reused');
  t.equal(await outcome(service.refresh(second)), 'session_revoked');
  const series = seriesIn(await service.metrics.scrape());
  t.equal(series.get('auth_refresh_success_total'), 2);
  t.equal(series.get('kinship_replayed_token_age_seconds_sum{answer="repeated"}'), 2);
  t.equal(series.get('kinship_replayed_token_age_seconds_sum{answer="reused"}'), 5);
  t.equal(series.get('kinship_reuse_detected_total'), 1, 'counted once, however often the token is replayed');
});

t.test('a healing, with a token that is newer than its restored row, is counted', async (t) => {
  const service = await sessionUseCases();
  const first = await service.logIn();
  const family = await service.families.find(String(claimsOf(first.refresh).tokenFamily));
  const second = await service.refresh(first);
  if (family === null) throw new Error('no session');
  const { families: restored } = createMemoryStores();
  await restored.open(family, []);
  const refreshOnRestored = refresh({ ...service, families: restored });
  await refreshOnRestored({
    refreshToken: second.refresh,
    accessToken: second.access,
    idempotencyKey: null,
    oauthClient: null,
    presented: { proof: null, ...REFRESH_REQUEST },
    client: HOME,
  });
  const series = seriesIn(await service.metrics.scrape());
  t.equal(series.get('kinship_refreshes_total{outcome="healed"}'), 1);
});

t.test('the service counts as overloaded while too many store calls are unanswered', async (t) => {
  let unanswered = 0;
  const lines: string[] = [];
  const log = { info: writer('info'), warn: writer('warn'), error: writer('error') };
  let onLine = () => {};
  function writer(level: string) {
    return (_members: object, message: string) => {
      lines.push(`${level} ${message}`);
      onLine();
    };
  }
  const nextLine = () => new Promise<void>((resolve) => (onLine = resolve));
  const limits = { eventLoopDelay: 60_000, storeCallAge: 1_000, storeCalls: 3 };
  const { read, stop } = monitorOverload({ limits, unansweredFor: () => unanswered, log });
  t.teardown(stop);
  t.equal(read(), null);
  const begun = nextLine();
  unanswered = 3;
  await waitKeepingAlive(begun);
  t.equal(read(), 'database');
  const ended = nextLine();
  unanswered = 2;
  await waitKeepingAlive(ended);
  t.equal(read(), null);
  t.same(lines, ['warn overloaded; new requests are refused', 'info no longer overloaded']);
});

/** Timers and observers of the service do not keep the process alive, so this timer does. */
async function waitKeepingAlive<T>(event: Promise<T>): Promise<T> {
  const timer = setInterval(() => {}, 1_000);
  return event.finally(() => clearInterval(timer));
}

t.test('the counts of workers that end at the same moment are all kept', async (t) => {
  const metrics = createWorkerMetrics({ readyWorkers: () => 0, restarts: () => 0 });
  const total = async () =>
    seriesIn(await addUpMetrics(await metrics.all())).get('kinship_shed_requests_total{reason="database"}');
  const shedOnce = async (): Promise<Samples> => {
    const worker = createMetrics();
    worker.shed('database');
    return worker.samples();
  };
  metrics.update(1, await shedOnce());
  metrics.update(2, await shedOnce());
  const ends = [metrics.keepEnded(1), metrics.keepEnded(2)];
  t.equal(await total(), 2, 'while the counts are added');
  await Promise.all(ends);
  t.equal(await total(), 2);
});
