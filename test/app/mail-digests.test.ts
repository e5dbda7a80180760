import { randomUUID } from 'node:crypto';
import t from 'tap';
import { createMetrics } from '../../src/adapters/telemetry/metrics.ts';
import { deliverDigests } from '../../src/app/delivery/deliver-digests.ts';
import { deliverMail } from '../../src/app/delivery/deliver-mail.ts';
import type { DomainEvent } from '../../src/domain/events.ts';
import { nextDigestAt } from '../../src/domain/mail-budget.ts';
import type { TokenFamily } from '../../src/domain/token-family.ts';
import { type Mail, MailRejected } from '../../src/ports/delivery/mailer.ts';
import { entry, NOW, someFamily } from '../support/families.ts';
import { createMemoryStores } from '../support/memory/session-store.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** The contact of {@link someFamily}. */
const ADDRESS = 'ann@example.com';
const FULL_HOUR = Date.UTC(2026, 0, 2, 4);

/** The loops for mails and for digests on stores in memory, with a mailer that records its mails. */
function setUp({ operatorAddress = null as string | null, random = (): number => 1 } = {}) {
  const { families, users, outbox, mailBudget: budget } = createMemoryStores();
  const world = { now: NOW, refuse: null as Error | null };
  const sent: Mail[] = [];
  const deps = {
    outbox,
    users,
    budget,
    operatorAddress,
    tracing: null,
    linkTo: () => 'https://auth.example.com/auth/not-me?token=t',
    serviceName: 'auth.example.com',
    describeDevice: () => null,
    mailer: {
      async send(mail: Mail) {
        if (world.refuse !== null) throw world.refuse;
        sent.push(mail);
      },
      async close() {},
    },
    clock: () => world.now,
    random,
    log: { info() {}, warn() {}, error() {} },
    telemetry: createMetrics().telemetry,
  };
  const single = deliverMail(deps);
  const digest = deliverDigests(deps);

  return {
    world,
    sent,
    users,
    outbox,
    budget,
    digest,
    async recordMails(count: number, values: Partial<TokenFamily> = {}) {
      const family = someFamily(values);
      await families.open(
        family,
        Array.from({ length: count }, (_, n) => entry(family, { kind: 'mail', at: NOW + n })),
      );
    },
    async record(event: DomainEvent) {
      await families.open(someFamily(), [{ id: randomUUID(), kind: 'mail', event }]);
    },
    async deliver() {
      while ((await single()) > 0);
      while ((await digest()) > 0);
    },
    countLeft: async () => (await outbox.backlog(NOW + 10 * DAY)).find(({ kind }) => kind === 'mail')?.count,
  };
}

t.test('fifteen events for one recipient become ten mails, and one digest at the full hour', async (t) => {
  const { world, sent, recordMails, deliver, countLeft } = setUp();
  for (let n = 0; n < 15; n += 1) await recordMails(1);
  world.now = NOW + 1_000;
  await deliver();
  t.equal(sent.length, 10);
  world.now = FULL_HOUR - 1;
  await deliver();
  t.equal(sent.length, 10);
  world.now = FULL_HOUR;
  await deliver();
  t.equal(sent.length, 11);
  const digest = sent[10];
  t.match(digest, { to: ADDRESS, subject: '5 messages about the safety of your account' });
  t.equal(digest?.text.match(/\* Your session was used from a new address/g)?.length, 5);
  t.equal(digest?.text.match(/end this session:\nhttps:\/\/auth\.example\.com/g)?.length, 5);
  t.equal(digest?.html.match(/<a href="https:\/\/auth\.example\.com\/auth\/not-me\?token=t" /g)?.length, 5);
  t.equal(await countLeft(), 0);
  await deliver();
  t.equal(sent.length, 11);
});

t.test('a mail that could not be held is not sent beyond the budget', async (t) => {
  const { world, sent, recordMails, deliver, budget } = setUp();
  await recordMails(15);
  world.now = NOW + 1_000;
  const { hold } = budget;
  budget.hold = async () => {
    throw new Error('connection lost');
  };
  await deliver();
  budget.hold = hold;
  world.now += 60_000;
  await deliver();
  t.equal(sent.length, 10);
  world.now = FULL_HOUR;
  await deliver();
  t.match(sent[10]?.subject, /^5 messages/);
});

t.test('a mail that the mail server refused for now is counted once', async (t) => {
  const { world, sent, recordMails, deliver } = setUp();
  await recordMails(10);
  world.now = NOW + 1_000;
  world.refuse = new Error('451 later');
  await deliver();
  world.refuse = null;
  world.now += 60_000;
  await deliver();
  t.equal(sent.length, 10);
});

t.test('all spellings of an address share one budget', async (t) => {
  const { world, sent, recordMails, deliver } = setUp();
  await recordMails(8, { contact: 'ann@example.com' });
  await recordMails(8, { contact: 'ANN@Example.COM' });
  await recordMails(8, { contact: 'bob@example.com' });
  world.now = NOW + 1_000;
  await deliver();
  t.same([sent.filter(({ to }) => /ann/i.test(to)).length, sent.length], [10, 18]);
});

t.test('mails to the address of the operator have a budget for each user', async (t) => {
  const { world, sent, recordMails, deliver } = setUp({ operatorAddress: 'operator@example.com' });
  await recordMails(8, { contact: null });
  await recordMails(8, { contact: null });
  world.now = NOW + 1_000;
  await deliver();
  t.equal(sent.length, 16);
});

t.test('a long digest shows twenty messages and counts the others', async (t) => {
  const { world, sent, recordMails, deliver } = setUp();
  await recordMails(45);
  world.now = NOW + 1_000;
  await deliver();
  world.now = FULL_HOUR;
  await deliver();
  t.equal(sent.length, 11);
  t.match(sent[10]?.subject, /^35 messages/);
  t.equal(sent[10]?.text.match(/^\* /gm)?.length, 20);
  t.match(sent[10]?.text, 'It shows 20 events, at least one of each kind. Not shown: 15 more.');
});

t.test('a flood of events hides neither a reuse nor the undo link of a change of the address', async (t) => {
  const { world, sent, recordMails, deliver, record } = setUp();
  await recordMails(31);
  world.now = NOW + 1_000;
  await deliver();
  const client = { address: '198.51.100.7', userAgent: 'thief/1' };
  const { userId, tokenFamily: sessionId } = someFamily();
  await record({
    type: 'sessions.reuse_detected',
    occurredAt: NOW + 2_000,
    data: { userId, sessionId, ...client, generation: 1, currentGeneration: 2 },
  });
  await record({
    type: 'users.email_change_announced',
    occurredAt: NOW + 3_000,
    data: { userId, ...client, linkId: randomUUID(), email: ADDRESS, newEmail: 'thief@example.com' },
  });
  world.now = NOW + 4_000;
  await deliver();
  t.equal(sent.length, 11);
  t.equal(sent[10]?.subject, 'Your account gets a new address', 'sent at once');
  world.now = FULL_HOUR;
  await deliver();
  t.match(sent[11]?.subject, /^22 messages/);
  t.match(sent[11]?.text, /^\* We ended one of your sessions/m);
  t.match(sent[11]?.text, 'Not shown: 2 more.');
});

t.test('a failed digest is retried whole, and dead-lettered if it is refused permanently', async (t) => {
  const { world, sent, recordMails, deliver, digest, countLeft } = setUp();
  await recordMails(13);
  world.now = NOW + 1_000;
  await deliver();
  world.now = FULL_HOUR;
  world.refuse = new Error('451 later');
  t.equal(await digest(), 3);
  t.equal(await digest(), 0, 'not at once');
  world.now += 60_000;
  world.refuse = null;
  t.equal(await digest(), 3);
  t.match(sent[10]?.subject, /^3 messages/);

  await recordMails(12);
  world.now = nextDigestAt(world.now) - 1;
  await deliver();
  world.now += 1;
  world.refuse = new MailRejected('550 no such user');
  const refused = await digest();
  t.ok(refused > 0);
  world.now += DAY;
  t.equal(await digest(), 0);
  t.equal(await countLeft(), 0);
});

t.test('a digest after one that was sent but not acknowledged has another id', async (t) => {
  const { world, sent, outbox, recordMails, deliver, digest } = setUp();
  await recordMails(12);
  world.now = NOW + 1_000;
  await deliver();
  world.now = FULL_HOUR;
  const { acknowledge } = outbox;
  outbox.acknowledge = async () => {
    throw new Error('connection lost');
  };
  await digest();
  outbox.acknowledge = acknowledge;
  await recordMails(20);
  await deliver();
  world.now = FULL_HOUR + HOUR;
  await deliver();
  const digests = sent.filter(({ subject }) => /^\d+ messages/.test(subject));
  t.equal(digests.length, 2);
  t.equal(new Set(digests.map(({ id }) => id)).size, 2);
});

t.test('a digest stays one mail while the mail server is down', async (t) => {
  const numbers = [0.1, 0.9, 0.5, 0.3];
  let draws = 0;
  const random = () => numbers[draws++ % numbers.length] ?? 0;
  const { world, sent, recordMails, deliver, digest } = setUp({ random });
  await recordMails(13);
  world.now = NOW + 1_000;
  await deliver();
  world.now = FULL_HOUR;
  world.refuse = new Error('connection refused');
  let attempts = 0;
  for (; world.now < FULL_HOUR + HOUR / 2; world.now += 1_000) {
    const claimed = await digest();
    if (claimed === 0) continue;
    t.equal(claimed, 3);
    attempts += 1;
  }
  t.ok(attempts > 3, 'it was tried again and again');
  world.refuse = null;
  world.now += HOUR / 2;
  await deliver();
  t.equal(sent.length, 11);
  t.match(sent[10]?.subject, /^3 messages/);
});

t.test('a held mail goes to the current address of the account', async (t) => {
  const { world, sent, users, recordMails, deliver } = setUp();
  const { userId } = someFamily();
  await recordMails(12, { userId, contact: 'old@example.com' });
  world.now = NOW + 1_000;
  await deliver();
  const user = {
    id: userId,
    username: 'ann',
    email: 'new@example.com',
    emailVerifiedAt: null,
    passwordHash: 'x',
    roles: [],
    createdAt: NOW,
  };
  await users.create(user, []);
  world.now = FULL_HOUR;
  await deliver();
  t.match(sent[10], { to: 'new@example.com', subject: /^2 messages/ });
});

t.test(
  'a held mail whose recipient cannot be looked up does not stop the other mails of its digest',
  async (t) => {
    const { world, sent, users, recordMails, digest, deliver, countLeft } = setUp();
    await recordMails(13);
    world.now = NOW + 1_000;
    await deliver();
    const { find } = users;
    let lookups = 0;
    Object.assign(users, {
      find: (id: string) => (++lookups === 1 ? Promise.reject(new Error('connection lost')) : find(id)),
    });
    world.now = FULL_HOUR;
    t.equal(await digest(), 3);
    t.match(sent[10]?.subject, /^2 messages/);
    t.equal(await countLeft(), 1);
    world.now += 60_000;
    t.equal(await digest(), 1);
    t.equal(sent.length, 12);
    t.equal(await countLeft(), 0);
  },
);

t.test('a held mail without an address is dropped', async (t) => {
  const { world, sent, users, recordMails, deliver, countLeft } = setUp();
  const { userId } = someFamily();
  const user = {
    id: userId,
    username: 'ann',
    email: 'ann@example.com',
    emailVerifiedAt: null,
    passwordHash: 'x',
    roles: [],
    createdAt: NOW,
  };
  await users.create(user, []);
  await recordMails(12, { userId, contact: null });
  world.now = NOW + 1_000;
  await deliver();
  Object.assign(users, { find: async () => null });
  world.now = FULL_HOUR;
  await deliver();
  t.equal(sent.length, 10);
  t.equal(await countLeft(), 0);
});
