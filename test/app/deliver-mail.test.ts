import t from 'tap';
import { createMetrics } from '../../src/adapters/telemetry/metrics.ts';
import { deliverMail } from '../../src/app/delivery/deliver-mail.ts';
import { logEvents } from '../../src/app/delivery/log-events.ts';
import type { TokenFamily } from '../../src/domain/token-family.ts';
import { type Mail, MailRejected } from '../../src/ports/delivery/mailer.ts';
import type { Outbox, Postponement } from '../../src/ports/stores/outbox.ts';
import { StoreUnavailable } from '../../src/ports/stores/store-unavailable.ts';
import { countsOf } from '../support/exposition.ts';
import { entry, NOW, someFamily } from '../support/families.ts';
import { createMemoryStores } from '../support/memory/session-store.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;
const LEASE = 5 * MINUTE;

interface Line {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly members: object;
}

const away = async (): Promise<never> => {
  throw new StoreUnavailable('unknown', new Error('connection lost'));
};

/** The use cases on stores in memory. The test controls the mailer, the clock and chance. */
function setUp() {
  const { families, users, outbox: stored, mailBudget } = createMemoryStores();
  const metrics = createMetrics();
  const lines: Line[] = [];
  const attempts: Mail[] = [];
  const deadLettered: { id: string; reason: string }[] = [];
  const postponed: Postponement[] = [];
  const world = {
    now: NOW,
    random: 1,
    receiver: null as string | null,
    onSend: async (_mail: Mail): Promise<void> => undefined,
  };
  const write = (level: Line['level']) => (members: object, message: string) => {
    lines.push({ level, members, message });
  };
  const outbox: Outbox = {
    ...stored,
    async deadLetter(id, at, reason) {
      deadLettered.push({ id, reason });
      await stored.deadLetter(id, at, reason);
    },
    async postpone(postponements) {
      postponed.push(...postponements);
      await stored.postpone(postponements);
    },
  };
  const mailer = {
    async send(mail: Mail) {
      attempts.push(mail);
      await world.onSend(mail);
    },
    async close() {},
  };
  const deps = {
    outbox,
    users,
    // The budget has no limit here. The tests of the limit are in mail-digests.test.ts.
    budget: { ...mailBudget, take: async () => true },
    linkTo: () => null,
    serviceName: 'auth.example.com',
    describeDevice: () => null,
    mailer,
    clock: () => world.now,
    tracing: null,
    log: { info: write('info'), warn: write('warn'), error: write('error') },
    random: () => world.random,
    telemetry: metrics.telemetry,
  };

  async function record(kind: 'mail' | 'event', values: Partial<TokenFamily> = {}, count = 1) {
    const family = someFamily(values);
    const entries = Array.from({ length: count }, (_, index) => entry(family, { kind, at: NOW + index }));
    await families.open(family, entries);
    return { family, ids: entries.map(({ id }) => id) };
  }

  return {
    world,
    deps,
    countDeliveries: () => countsOf(metrics, 'kinship_deliveries_total'),
    countFailedRemovals: () => countsOf(metrics, 'kinship_removals_failed_total'),
    users,
    lines,
    attempts,
    deadLettered,
    postponed,
    record,
    deliver: () => deliverMail({ ...deps, operatorAddress: world.receiver }),
    /** Counts the remaining entries of a kind, also those that are not due. The call claims them all. */
    countLeft: async (kind: 'mail' | 'event') =>
      (await stored.claim(kind, NOW + 1000 * DAY, NOW, 1000)).length,
  };
}

t.test('a mail is sent to the address of the session, and leaves the outbox', async (t) => {
  const { deliver, record, attempts, countLeft, lines, world } = setUp();
  world.receiver = 'operator@example.com';
  const { ids } = await record('mail', { contact: 'ann@example.com' });
  const run = deliver();
  t.equal(await run(), 1);
  t.equal(await run(), 0);
  t.match(attempts, [{ id: ids[0], to: 'ann@example.com', subject: /new address/, html: /<!doctype html>/ }]);
  t.equal(await countLeft('mail'), 0);
  t.match(lines, [{ level: 'info', message: 'mail sent', members: { mailId: ids[0] } }]);
});

t.test('mails about users without an address go to the address of the operator', async (t) => {
  const { deliver, record, attempts, world } = setUp();
  world.receiver = 'operator@example.com';
  await record('mail', { contact: null });
  await deliver()();
  t.match(attempts, [{ to: 'operator@example.com' }]);
});

t.test('an entry without a recipient is removed and logged', async (t) => {
  const { deliver, record, attempts, countLeft, lines } = setUp();
  const { family, ids } = await record('mail', { contact: null });
  t.equal(await deliver()(), 1);
  t.same(attempts, []);
  t.equal(await countLeft('mail'), 0);
  t.match(lines, [{ level: 'warn', members: { userId: family.userId, mailId: ids[0] } }]);
});

t.test('the mail loop leaves events in the outbox', async (t) => {
  const { deliver, record, countLeft } = setUp();
  await record('event');
  t.equal(await deliver()(), 0);
  t.equal(await countLeft('event'), 1);
});

t.test('a failed mail is sent again with growing delays and the same id', async (t) => {
  const { deliver, record, attempts, postponed, world, countLeft } = setUp();
  const { ids } = await record('mail');
  world.onSend = async () => {
    if (attempts.length < 12) throw new Error('451 later');
  };
  const run = deliver();
  const delays: number[] = [];
  for (let attempt = 1; attempt < 12; attempt += 1) {
    t.equal(await run(), 1);
    const { dueAt } = postponed.at(-1)!;
    delays.push((dueAt - world.now) / SECOND);
    world.now = dueAt - 1;
    t.equal(await run(), 0, 'not before');
    world.now = dueAt;
  }
  t.same(delays, [5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900]);
  t.equal(await run(), 1);
  t.same([...new Set(attempts.map(({ id }) => id))], ids);
  t.equal(attempts.length, 12);
  t.equal(await countLeft('mail'), 0);
});

t.test('a delay is a random part of its maximum, and can be zero', async (t) => {
  const { deliver, record, postponed, world } = setUp();
  await record('mail', {}, 1);
  world.onSend = async () => {
    throw new Error('451 later');
  };
  const run = deliver();
  for (const random of [0, 0.25]) {
    world.random = random;
    await run();
  }
  t.same(
    postponed.map(({ dueAt }) => dueAt - NOW),
    [0, 2_500],
  );
});

t.test('a mail that is refused permanently is dead-lettered at once', async (t) => {
  const { deliver, record, attempts, deadLettered, world, lines } = setUp();
  const { ids } = await record('mail');
  world.onSend = async () => {
    throw new MailRejected('550 no such user');
  };
  const run = deliver();
  await run();
  world.now += 2 * DAY;
  t.equal(await run(), 0);
  t.equal(attempts.length, 1);
  t.same(deadLettered, [{ id: ids[0], reason: '550 no such user' }]);
  t.match(lines, [{ level: 'warn', message: 'mail dead-lettered', members: { mailId: ids[0] } }]);
});

t.test('a mail that fails after a day is dead-lettered, and a mail that succeeds then is not', async (t) => {
  const { deliver, record, deadLettered, postponed, world, countLeft } = setUp();
  const { ids } = await record('mail', {}, 2);
  const [lost = '', late = ''] = ids;
  world.onSend = async () => {
    throw new Error('connect ECONNREFUSED');
  };
  world.now = NOW + DAY;
  const run = deliver();
  await run();
  t.equal(postponed.length, 2, 'a mail that is exactly a day old is not older than a day');
  world.onSend = async ({ id }) => {
    if (id === lost) throw new Error('connect ECONNREFUSED');
  };
  world.now += MINUTE;
  await run();
  t.same(deadLettered, [{ id: lost, reason: 'connect ECONNREFUSED' }]);
  t.equal(postponed.filter(({ id }) => id === late).length, 1);
  t.equal(await countLeft('mail'), 0);
});

t.test(
  'an entry that is not acknowledged within its lease is delivered again with the same id',
  async (t) => {
    const { deliver, record, attempts, world } = setUp();
    const { ids } = await record('mail');
    world.onSend = () => new Promise(() => undefined); // the process ends before the server answers
    void deliver()();
    while (attempts.length === 0) await new Promise(setImmediate);
    world.onSend = async () => undefined;
    const another = deliver();
    world.now += LEASE - 1;
    t.equal(await another(), 0);
    world.now += 1;
    t.equal(await another(), 1);
    t.same(
      attempts.map(({ id }) => id),
      [ids[0], ids[0]],
    );
  },
);

t.test('a failing mail does not stop the others', async (t) => {
  const { deliver, record, attempts, world, countLeft } = setUp();
  const { ids } = await record('mail', {}, 30);
  const failing = new Set([ids[0], ids[7], ids[12]]);
  world.now += SECOND;
  world.onSend = async ({ id }) => {
    if (failing.has(id)) throw id === ids[7] ? 'no error at all' : new Error('451 later');
  };
  const run = deliver();
  t.equal(await run(), 20, 'as many as a batch');
  t.equal(await run(), 10);
  t.equal(attempts.length, 30);
  t.equal(await countLeft('mail'), 3);
});

t.test('at most five mails are sent concurrently', async (t) => {
  const { deliver, record, world } = setUp();
  await record('mail', {}, 15);
  world.now += MINUTE;
  let busy = 0;
  let most = 0;
  world.onSend = async () => {
    busy += 1;
    most = Math.max(most, busy);
    await new Promise(setImmediate);
    busy -= 1;
  };
  t.equal(await deliver()(), 15);
  t.equal(most, 5);
});

t.test('a mail about a type of event that has no template stays in the outbox', async (t) => {
  const { deps, deliver, record, postponed } = setUp();
  const { ids } = await record('mail');
  const { claim } = deps.outbox;
  deps.outbox.claim = async (...values) => {
    const claimed = await claim(...values);
    return claimed.map((each) => ({ ...each, event: { ...each.event, type: 'sessions.started' } as never }));
  };
  await deliver()();
  t.match(postponed, [{ id: ids[0], reason: 'There is no mail about sessions.started.' }]);
});

t.test('an unavailable database is logged once per outage', async (t) => {
  const { deps, deliver, record, lines, attempts } = setUp();
  await record('mail');
  const { claim } = deps.outbox;
  const run = deliver();
  const warnings = () => lines.filter(({ level }) => level === 'warn').length;
  deps.outbox.claim = away;
  for (let index = 0; index < 3; index += 1) t.equal(await run(), 0);
  t.equal(warnings(), 1);
  deps.outbox.claim = claim;
  t.equal(await run(), 1);
  t.equal(attempts.length, 1);
  deps.outbox.claim = away;
  await run();
  t.equal(warnings(), 2);
  deps.outbox.claim = async () => {
    throw new TypeError('a programming error');
  };
  await t.rejects(run(), TypeError);
});

t.test('a sent mail is not sent again if its acknowledgment failed', async (t) => {
  const { deps, deliver, record, attempts, world, countLeft, lines } = setUp();
  await record('mail');
  const { acknowledge } = deps.outbox;
  let tries = 0;
  deps.outbox.acknowledge = async (ids) => {
    tries += 1;
    return tries < 3 ? away() : acknowledge(ids);
  };
  t.equal(await deliver()(), 1);
  t.equal(tries, 3, 'the acknowledgment was repeated');
  t.equal(await countLeft('mail'), 0);

  await record('mail');
  deps.outbox.acknowledge = away;
  const run = deliver();
  t.equal(await run(), 1);
  t.match(lines.at(-1), { level: 'warn', message: /still in the outbox/ });
  deps.outbox.acknowledge = acknowledge;
  world.now += LEASE;
  t.equal(await run(), 1, 'the mail is claimed again');
  t.equal(attempts.length, 2, 'the mail is only acknowledged');
  t.equal(await countLeft('mail'), 0);
});

t.test('a mail whose failure cannot be recorded is due again when its lease ends', async (t) => {
  const { deps, deliver, record, attempts, world } = setUp();
  await record('mail', {}, 2);
  deps.outbox.postpone = away;
  deps.outbox.deadLetter = away;
  world.onSend = async () => {
    throw attempts.length === 1 ? new Error('451 later') : new MailRejected('550 no');
  };
  world.now += MINUTE;
  const run = deliver();
  t.equal(await run(), 2);
  world.now += LEASE;
  t.equal(await run(), 2);
});

t.test('each outcome of a mail is counted', async (t) => {
  const { deliver, record, world, countDeliveries } = setUp();
  await record('mail', { contact: 'ann@example.com' }, 4);
  await record('mail', { contact: null });
  world.now += SECOND;
  const ends = [new MailRejected('550 no'), new Error('450 later'), new Error('450 later')];
  world.onSend = async () => {
    const end = ends.shift();
    if (end !== undefined) throw end;
  };
  await deliver()();
  t.same(await countDeliveries(), {
    '{kind="mail",outcome="dead_letter"}': 1,
    '{kind="mail",outcome="postponed"}': 2,
    '{kind="mail",outcome="sent"}': 1,
    '{kind="mail",outcome="unaddressed"}': 1,
  });
});

t.test('neither the log nor the stored reason contains an address', async (t) => {
  const { deliver, record, world, lines, postponed, deadLettered } = setUp();
  await record('mail', { contact: 'ann.smith@example.com' }, 3);
  world.now += MINUTE;
  const replies = [
    new MailRejected('550 5.1.1 <ann.smith@example.com>: Recipient address rejected'),
    new Error('450 Ann.Smith@Example.com,\r\nlater'),
  ];
  world.onSend = async () => {
    const reply = replies.shift();
    if (reply !== undefined) throw reply;
  };
  await deliver()();
  t.same(
    [...deadLettered, ...postponed].map(({ reason }) => reason),
    ['550 5.1.1 <[address]>: Recipient address rejected', '450 [address], later'],
  );
  t.equal(lines.length, 3);
  t.notMatch(JSON.stringify(lines), /smith|@/i);
});

t.test('without a broker events are logged once and removed after a day', async (t) => {
  const { deps, record, lines, world, countLeft, countDeliveries } = setUp();
  const { ids, family } = await record('event', {}, 120);
  await record('mail');
  world.now = NOW + SECOND;
  const run = logEvents(deps);
  t.equal(await run(), 100);
  t.equal(await run(), 20);
  t.equal(await run(), 0);
  t.same(
    lines.map(({ members }) => members),
    ids.map((eventId) => ({
      eventId,
      type: 'sessions.address_changed',
      userId: family.userId,
      sessionId: family.tokenFamily,
    })),
  );
  world.now = NOW + DAY - MINUTE;
  t.equal(await run(), 0);
  world.now = NOW + DAY + 10 * MINUTE;
  t.equal(await run(), 120, 'removed');
  t.equal(await run(), 0);
  t.equal(lines.length, 120);
  t.same(await countDeliveries(), { '{kind="event",outcome="logged"}': 120 });
  t.equal(await countLeft('event'), 0);
  t.equal(await countLeft('mail'), 1);
});

t.test('a logged event never counts as waiting until it is removed', async (t) => {
  const { deps, record, world, countLeft } = setUp();
  await record('event');
  world.now += SECOND;
  const run = logEvents(deps);
  await run();
  for (const end = NOW + DAY + 20 * MINUTE; world.now < end; world.now += 30 * SECOND) {
    t.match((await deps.outbox.backlog(world.now))[0], { kind: 'event', count: 0 });
    await run();
  }
  t.equal(await countLeft('event'), 0);
});

t.test('an unavailable database delays the logging of events, but does not fail it', async (t) => {
  const { deps, record, lines, world, countFailedRemovals } = setUp();
  await record('event');
  const { claim, forget } = deps.outbox;
  const run = logEvents(deps);
  deps.outbox.claim = away;
  world.now = NOW + 2 * DAY;
  t.equal(await run(), 0);
  t.equal(await run(), 0);
  t.equal(lines.length, 1, 'one line about the failed claims');
  world.now = NOW;
  deps.outbox.claim = claim;
  deps.outbox.forget = away;
  t.equal(await run(), 1, 'the event was not removed before it was logged');
  deps.outbox.forget = async () => {
    throw new TypeError('a programming error');
  };
  world.now += 60 * MINUTE;
  lines.length = 0;
  t.equal(await run(), 0);
  t.match(lines, [{ members: { removal: 'events' } }], 'the failure is logged');
  t.same(await countFailedRemovals(), { '{removal="events"}': 2 }, 'and the failure is counted');
  deps.outbox.forget = forget;
  world.now = NOW + DAY + 30 * MINUTE;
  t.equal(await run(), 1);
  t.equal(await forget('event', world.now, 10), 0, 'the event has left the outbox');
});

t.test('the registered address has priority over the address of the session', async (t) => {
  const { deliver, record, attempts, users } = setUp();
  const { family } = await record('mail', { contact: 'elsewhere@example.com' });
  const account = {
    username: 'ann',
    email: 'ann@example.com',
    emailVerifiedAt: null,
    roles: [],
    passwordHash: 'x',
    createdAt: NOW,
  };
  await users.create({ id: family.userId, ...account }, []);
  await deliver()();
  t.same(
    attempts.map(({ to }) => to),
    ['ann@example.com'],
  );
});
