import t from 'tap';
import { createMetrics } from '../../src/adapters/telemetry/metrics.ts';
import { publishEvents } from '../../src/app/delivery/publish-events.ts';
import type { DomainEvent, EventType } from '../../src/domain/events.ts';
import type { PublishResult } from '../../src/ports/delivery/event-publisher.ts';
import type { ClaimedEntry, Outbox, OutboxEntry, Postponement } from '../../src/ports/stores/outbox.ts';
import { StoreUnavailable } from '../../src/ports/stores/store-unavailable.ts';
import { countsOf } from '../support/exposition.ts';
import { entry, NOW, someFamily } from '../support/families.ts';
import { createMemoryStores } from '../support/memory/session-store.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const WEEK = 7 * 24 * HOUR;
const LEASE = MINUTE;

const away = async (): Promise<never> => {
  throw new StoreUnavailable('unknown', new Error('connection lost'));
};

/** The use case on stores in memory. The test controls the broker, the clock and chance. */
function setUp() {
  const { families, outbox: stored } = createMemoryStores();
  const postponed: Postponement[] = [];
  const outbox: Outbox = {
    ...stored,
    async postpone(postponements) {
      postponed.push(...postponements);
      await stored.postpone(postponements);
    },
  };
  const lines: { level: string; message: string; members: object }[] = [];
  const published: string[] = [];
  const metrics = createMetrics();
  const world = {
    now: NOW,
    random: 1,
    isReady: true,
    onPublish: async (_type: EventType, _id: string): Promise<PublishResult> => 'routed',
  };
  const write = (level: string) => (members: object, message: string) => {
    lines.push({ level, members, message });
  };
  const deps = {
    outbox,
    telemetry: metrics.telemetry,
    publisher: {
      isReady: () => world.isReady,
      async publish({ id, event }: ClaimedEntry) {
        published.push(id);
        return world.onPublish(event.type, id);
      },
      async close() {},
    },
    clock: () => world.now,
    tracing: null,
    random: () => world.random,
    log: { info: write('info'), warn: write('warn'), error: write('error') },
  };

  async function record(
    count = 1,
    type: 'sessions.started' | 'sessions.address_changed' = 'sessions.started',
  ) {
    const family = someFamily();
    const entries = Array.from({ length: count }, (): OutboxEntry => {
      const made = entry(family, { at: world.now });
      return { ...made, event: { ...made.event, type } as DomainEvent };
    });
    await families.open(family, entries);
    return entries.map(({ id }) => id);
  }

  return {
    world,
    deps,
    countDeliveries: () => countsOf(metrics, 'kinship_deliveries_total'),
    stored,
    lines,
    published,
    postponed,
    record,
    run: publishEvents(deps),
    /** Counts the remaining events, also those that are not due. The call claims them all. */
    countLeft: async () => (await stored.claim('event', NOW + 1000 * WEEK, NOW, 10_000)).length,
  };
}

t.test('events are published, and leave the outbox', async (t) => {
  const { run, record, published, countLeft, lines } = setUp();
  const ids = await record(3);
  t.equal(await run(), 3);
  t.same(published, ids);
  t.equal(await run(), 0);
  t.same(lines, []);
  t.equal(await countLeft(), 0);
});

t.test('a batch is published concurrently and acknowledged by one statement', async (t) => {
  const { run, record, world, deps, stored, published } = setUp();
  await record(700);
  let acknowledgments = 0;
  deps.outbox.acknowledge = async (ids) => {
    acknowledgments += 1;
    await stored.acknowledge(ids);
  };
  let release = () => {};
  const confirmed = new Promise<void>((resolve) => {
    release = resolve;
  });
  world.onPublish = async () => {
    if (published.length === 500) release();
    await confirmed;
    return 'routed';
  };
  t.equal(await run(), 500);
  t.equal(acknowledgments, 1);
  world.onPublish = async () => 'routed';
  t.equal(await run(), 200);
});

t.test('without a broker no event is claimed and no attempt is counted', async (t) => {
  const { run, record, world, stored } = setUp();
  await record();
  world.isReady = false;
  t.equal(await run(), 0);
  const [waiting] = await stored.claim('event', NOW, NOW, 10);
  t.equal(waiting?.attempt, 1);
});

t.test(
  'an event that the broker does not accept is published again without a limit of attempts, with the same id',
  async (t) => {
    const { run, record, world, published, postponed, lines, countLeft } = setUp();
    const [id] = await record();
    world.onPublish = async () => {
      throw new Error('NACK');
    };
    const delays: number[] = [];
    for (let attempt = 0; attempt < 12; attempt += 1) {
      t.equal(await run(), 1);
      const { dueAt, reason } = postponed.at(-1)!;
      t.equal(reason, 'NACK');
      delays.push((dueAt - world.now) / SECOND);
      world.now = dueAt - 1;
      t.equal(await run(), 0, 'not before');
      world.now = dueAt;
    }
    t.same(delays, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    const members = { type: 'sessions.started', reason: 'NACK' };
    t.match(lines, [{ level: 'warn', members, message: /trying again later/ }]);
    t.equal(lines.length, 1, 'logged once, however many attempts');
    world.now += 2 * WEEK;
    world.onPublish = async () => 'routed';
    t.equal(await run(), 1);
    t.match(lines.at(-1), {
      level: 'info',
      members: { type: 'sessions.started' },
      message: /published again/,
    });
    t.same([...new Set(published)], [id]);
    t.equal(await countLeft(), 0);
  },
);

t.test('an unroutable event waits with growing delays, and each type is logged once', async (t) => {
  const { run, record, world, postponed, lines, countDeliveries } = setUp();
  world.onPublish = async (type) => (type === 'sessions.started' ? 'unroutable' : 'routed');
  await record(3);
  await record(2, 'sessions.address_changed');
  world.random = 0.5;
  const delays: number[] = [];
  for (let round = 0; round < 18; round += 1) {
    t.ok((await run()) > 0);
    const { dueAt } = postponed.at(-1)!;
    delays.push((dueAt - world.now) / SECOND);
    world.now = dueAt;
  }
  t.same(delays.slice(0, 4), [0.5, 1, 2, 4]);
  t.same(delays.slice(-2), [3 * 3600, 3 * 3600], 'half of six hours');
  t.equal(postponed.length, 18 * 3);
  t.same(await countDeliveries(), {
    '{kind="event",outcome="unroutable"}': 18 * 3,
    '{kind="event",outcome="routed"}': 2,
  });
  t.match(lines, [{ level: 'warn', members: { type: 'sessions.started' }, message: /no queue takes/ }]);
  t.equal(lines.length, 1, 'logged once');
});

t.test('when a type of event is routed again, its waiting events become due at once', async (t) => {
  const { run, record, world, lines, countLeft } = setUp();
  world.onPublish = async () => 'unroutable';
  await record(4);
  for (let hour = 0; hour < 48; hour += 1) {
    world.now += HOUR;
    await run();
  }
  world.onPublish = async () => 'routed';
  world.now += 2 * MINUTE;
  await record();
  t.equal(await run(), 1, 'the new event');
  t.equal(await run(), 4, 'and then the older events');
  t.equal(await countLeft(), 0);
  t.match(lines.at(-1), { level: 'info', members: { type: 'sessions.started' }, message: /routed again/ });
  t.equal(lines.length, 2);
});

t.test(
  'events that are leased or due soon keep their time, and many events are made due in several calls',
  async (t) => {
    const { run, record, world, deps, stored } = setUp();
    const spared: number[] = [];
    let count = 5_000;
    deps.outbox.makeDue = async (type, after, dueAt, limit) => {
      spared.push(after - dueAt);
      t.same([type, limit], ['sessions.started', 5_000]);
      return stored.makeDue(type, after, dueAt, limit).then(() => count);
    };
    await record();
    await run();
    count = 4_999;
    await run();
    await run();
    t.same(spared, [2 * LEASE, 2 * LEASE], 'until a call made fewer events due than its limit');
    world.now += 1;
    await record();
    await run();
    t.equal(spared.length, 2, 'not again while the type is still routed');
  },
);

t.test('an event that is unroutable for a week is dropped and counted', async (t) => {
  const { run, record, world, lines, countLeft } = setUp();
  world.onPublish = async () => 'unroutable';
  await record(3);
  while (world.now < NOW + WEEK) {
    await run();
    world.now += HOUR;
  }
  world.now = NOW + WEEK;
  await run();
  t.equal(lines.length, 1, 'an event that is exactly a week old is not older than a week');
  world.now += 6 * HOUR;
  t.equal(await run(), 3);
  t.equal(await countLeft(), 0);
  const droppedEvents = () =>
    lines.filter(({ message }) => message.includes('dropped after a week')).map(({ members }) => members);
  t.same(droppedEvents(), [{ type: 'sessions.started', count: 1 }]);
  await record();
  const end = world.now + WEEK + 6 * HOUR;
  for (; world.now <= end; world.now += HOUR) await run();
  t.same(
    droppedEvents()[1],
    { type: 'sessions.started', count: 3 },
    'only events that were not counted before are counted',
  );
});

t.test('events without a queue never count as waiting after their first attempt', async (t) => {
  const { run, record, world, stored } = setUp();
  world.onPublish = async () => 'unroutable';
  await record(5);
  for (const end = NOW + 3 * 24 * HOUR; world.now < end; world.now += 10 * MINUTE) {
    await run();
    const [events] = await stored.backlog(world.now);
    t.match(events, { kind: 'event', count: 0, oldestAt: null, postponed: 5 });
  }
});

t.test('events that waited for the broker for more than a week wait for a queue, too', async (t) => {
  const { run, record, world, countLeft } = setUp();
  world.onPublish = async () => 'unroutable';
  await record(3);
  world.now = NOW + 2 * WEEK;
  for (let round = 0; round < 10; round += 1) {
    await run();
    world.now += HOUR;
  }
  t.equal(await countLeft(), 3);
});

t.test('a routed event is not published again if another event could not be postponed', async (t) => {
  const { run, record, world, deps, published, countLeft } = setUp();
  const [first = ''] = await record(2);
  world.onPublish = async (_type, id) => (id === first ? 'routed' : 'unroutable');
  deps.outbox.postpone = away;
  await run();
  world.now += LEASE;
  await run();
  t.equal(published.filter((id) => id === first).length, 1);
  t.equal(await countLeft(), 1);
});

t.test('published events are not published again if their acknowledgment failed', async (t) => {
  const { run, record, world, deps, stored, published, lines, countLeft } = setUp();
  await record(2);
  deps.outbox.acknowledge = away;
  t.equal(await run(), 2);
  t.match(lines, [{ level: 'warn', message: /sent twice/ }]);
  deps.outbox.acknowledge = stored.acknowledge;
  world.now += LEASE - 1;
  t.equal(await run(), 0);
  world.now += 1;
  t.equal(await run(), 2, 'the events are claimed again');
  t.equal(published.length, 2, 'the events are only acknowledged');
  t.equal(await countLeft(), 0);
});

t.test('an unavailable outbox is treated as empty', async (t) => {
  const { run, deps, lines } = setUp();
  deps.outbox.claim = away;
  t.equal(await run(), 0);
  t.equal(await run(), 0);
  t.equal(lines.length, 1);
});
