import { randomUUID } from 'node:crypto';
import t from 'tap';
import { createMetrics } from '../../src/adapters/telemetry/metrics.ts';
import { createPurge, purgeBatch } from '../../src/app/upkeep/purge.ts';
import {
  removeAnsweredChallenges,
  removeExpiredLinks,
  removeOldMails,
} from '../../src/app/upkeep/remove-old.ts';
import { StoreUnavailable } from '../../src/ports/stores/store-unavailable.ts';
import { seriesIn } from '../support/exposition.ts';
import { entry, hash, NOW, someFamily } from '../support/families.ts';
import { createMemoryStores } from '../support/memory/session-store.ts';
import { outcome, POLICY, sessionUseCases } from '../support/sessions.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Stores, and their upkeep with a clock that the test sets. */
function setUp() {
  const stores = createMemoryStores();
  const world = { now: NOW };
  const lines: object[] = [];
  const failures: object[] = [];
  const recordFailure = (members: object) => void failures.push(members);
  const log = { info: (members: object) => lines.push(members), warn: recordFailure, error: recordFailure };
  const metrics = createMetrics();
  const { telemetry } = metrics;
  const deps = { ...stores, vacuum: null, policy: POLICY, clock: () => world.now, log, telemetry };
  return { ...stores, world, lines, failures, metrics, deps };
}

t.test('a session is purged after all its tokens have expired', async (t) => {
  const stores = createMemoryStores();
  const service = await sessionUseCases({ stores });
  const stolen = await service.logIn();
  await service.refresh(stolen);
  t.equal(await outcome(service.refresh(stolen)), 'token_reused');
  const purge = purgeBatch({ families: stores.families, policy: POLICY, clock: () => service.time.now });

  service.time.now = NOW + POLICY.refreshTokenAge - 1000;
  t.equal(await purge(), 0);
  t.equal(await outcome(service.refresh(stolen)), 'token_reused', 'while the token has not expired');
  service.time.now = NOW + POLICY.refreshTokenAge + HOUR;
  t.equal(await purge(), 0);
  t.equal(await outcome(service.refresh(stolen)), 'token_expired');
  service.time.now += 2 * POLICY.clockSkew + 1;
  t.equal(await purge(), 1);
  t.equal(
    await outcome(service.refresh(stolen)),
    'token_expired',
    'and the answer is the same without the row',
  );
});

t.test('a purge runs in batches and logs its result', async (t) => {
  const { families, world, lines, deps } = setUp();
  const count = 1200;
  for (let n = 0; n < count; n += 1) await families.open(someFamily({ expiresAt: NOW + n }), []);
  const live = someFamily({ expiresAt: NOW + 40 * DAY });
  await families.open(live, []);
  world.now = NOW + POLICY.refreshTokenAge + DAY;
  const run = createPurge(deps);
  const batches: number[] = [];
  for (let done = await run(); done > 0; done = await run()) batches.push(done);
  t.same(batches, [500, 500, 200]);
  t.same(lines, [{ count }]);
  t.same(await families.find(live.tokenFamily), live);
  t.equal(await run(), 0);
  t.equal(lines.length, 1, 'a purge that removes nothing logs nothing');
});

t.test('a purge vacuums after its last batch', async (t) => {
  const { deps } = setUp();
  const counts = [500, 3, 0];
  let vacuums = 0;
  const vacuum = async () => {
    vacuums += 1;
  };
  const run = createPurge({ ...deps, vacuum, families: { purge: async () => counts.shift() ?? null } });
  t.same([await run(), await run()], [500, 3]);
  t.equal(vacuums, 0);
  t.equal(await run(), 0);
  t.equal(vacuums, 1);
});

t.test('a purge removes nothing while another replica purges', async (t) => {
  const { deps, lines } = setUp();
  const counts = [300, null, null];
  const run = createPurge({ ...deps, families: { purge: async () => counts.shift() ?? null } });
  t.equal(await run(), 300);
  t.equal(await run(), 0);
  t.equal(await run(), 0);
  t.same(lines, [{ count: 300 }]);
});

t.test('a purge that fails logs its result only after a retry has removed the rest', async (t) => {
  const { deps, lines, failures } = setUp();
  const outage = new StoreUnavailable('nothing', null);
  const results = [300, outage, 200, 0];
  const purge = async () => {
    const result = results.shift() ?? 0;
    if (typeof result !== 'number') throw result;
    return result;
  };
  const run = createPurge({ ...deps, families: { purge } });
  t.same([await run(), await run()], [300, 0]);
  t.equal(failures.length, 1);
  t.same(lines, [], 'some rows were not removed');
  t.same([await run(), await run()], [200, 0]);
  t.same(lines, [{ count: 500 }]);
});

t.test('mails are removed after thirty days, and links a day after their expiry', async (t) => {
  const { families, users, outbox, world, lines, deps } = setUp();
  const family = someFamily();
  const mails = [entry(family, { kind: 'mail' }), entry(family, { kind: 'mail' })];
  await families.open(family, mails);
  await outbox.deadLetter(mails[0]?.id ?? '', NOW, '550 no');
  const user = {
    id: randomUUID(),
    username: 'ann',
    email: 'ann@example.com',
    passwordHash: 'x',
    createdAt: NOW,
    emailVerifiedAt: null,
    roles: [],
  };
  await users.create(user, []);
  await users.addReset({ hashedToken: hash(), userId: user.id, expiresAt: NOW }, []);

  const [removeMails, removeLinks] = [removeOldMails(deps), removeExpiredLinks(deps)];
  world.now = NOW + DAY;
  t.equal(await removeLinks(), 0);
  world.now = NOW + 30 * DAY;
  t.equal(await removeMails(), 0);
  t.equal(await removeLinks(), 1);
  world.now += 1;
  t.equal(await removeMails(), 2);
  t.equal(await removeMails(), 0);
  t.equal(await removeLinks(), 0);
  t.same(lines, [{ count: 2 }, { count: 1 }]);
});

t.test('an answered challenge is removed five minutes after its expiry', async (t) => {
  const { secondFactors, world, deps } = setUp();
  const challenge = { hashedNonce: hash(), expiresAt: NOW + 5 * MINUTE };
  await secondFactors.countAnswer(challenge);
  const remove = removeAnsweredChallenges(deps);
  world.now = challenge.expiresAt + 5 * MINUTE;
  t.equal(await remove(), 0);
  world.now += 1;
  t.equal(await remove(), 1);
});

t.test('old entries are removed in batches of a thousand', async (t) => {
  const { families, world, lines, deps } = setUp();
  const family = someFamily();
  const mails = Array.from({ length: 2_500 }, () => entry(family, { kind: 'mail' }));
  await families.open(family, mails);
  world.now = NOW + 31 * DAY;
  const run = removeOldMails(deps);
  const batches: number[] = [];
  for (let done = await run(); done > 0; done = await run()) batches.push(done);
  t.same(batches, [1_000, 1_000, 500]);
  t.same(lines, [{ count: 2_500 }]);
});

t.test('a removal that fails is logged and counted', async (t) => {
  const { deps, failures, metrics } = setUp();
  const fail = async () => {
    throw new TypeError('a programming error');
  };
  const outbox = { forget: fail };
  const users = { forgetResets: fail };
  const emailLinks = { forget: fail };
  const families = { purge: fail };
  const failing = { ...deps, outbox, users, emailLinks, families };
  for (const run of [removeOldMails(failing), removeExpiredLinks(failing), createPurge(failing)]) {
    t.equal(await run(), 0);
  }
  t.match(failures, [{ removal: 'mails' }, { removal: 'links' }, { removal: 'sessions' }]);
  const series = seriesIn(await metrics.scrape());
  for (const removal of ['mails', 'links', 'sessions']) {
    t.equal(series.get(`kinship_removals_failed_total{removal="${removal}"}`), 1);
  }
});
