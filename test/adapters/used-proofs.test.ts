import t, { type Test } from 'tap';
import { createMemoryUsedProofs } from '../../src/adapters/memory/used-proofs.ts';
import { connectRedis } from '../../src/adapters/redis/connect.ts';
import { createRedisUsedProofs } from '../../src/adapters/redis/used-proofs.ts';
import { createMetrics } from '../../src/adapters/telemetry/metrics.ts';
import { usedDpopProofsWithFallback } from '../../src/app/used-dpop-proofs-with-fallback.ts';
import { StoreUnavailable } from '../../src/ports/stores/store-unavailable.ts';
import { type UsedDpopProofs, UsedDpopProofsFull } from '../../src/ports/stores/used-dpop-proofs.ts';
import { someProof, usedProofsContract } from '../ports/used-proofs.ts';
import { NOW } from '../support/families.ts';
import { SILENT_LOG } from '../support/key-set.ts';
import { requirePrivateRedis, requireRedis, startPrivateRedis, testPrefix } from '../support/redis.ts';
import { throughPrimary } from '../support/through-primary.ts';

const MINUTE = 60_000;

t.test('used proofs in memory', async (t) => {
  await t.test('keep the contract', async (t) => usedProofsContract(t, async () => createMemoryUsedProofs()));

  await t.test('are forgotten after their time, and not before', async (t) => {
    const used = createMemoryUsedProofs();
    const proof = someProof();
    await used.use(proof, NOW, NOW + MINUTE);
    t.equal(await used.use(proof, NOW + MINUTE - 1, NOW + 2 * MINUTE), false);
    t.equal(await used.use(proof, NOW + MINUTE, NOW + 2 * MINUTE), true);
  });

  await t.test('refuse another proof when the store is full, and forget none', async (t) => {
    const used = createMemoryUsedProofs({ maxEntries: 3 });
    const proofs = [someProof(), someProof(), someProof()];
    for (const proof of proofs) await used.use(proof, NOW, NOW + MINUTE);
    await t.rejects(used.use(someProof(), NOW, NOW + MINUTE), UsedDpopProofsFull);
    for (const proof of proofs) t.equal(await used.use(proof, NOW, NOW + MINUTE), false);
    t.equal(
      await used.use(someProof(), NOW + MINUTE, NOW + 2 * MINUTE),
      true,
      'later the store has room again',
    );
  });
});

t.test('used proofs of workers', async (t) => {
  await t.test('keep the contract', async (t) =>
    usedProofsContract(t, async () => throughPrimary().usedProofs),
  );

  await t.test('are shared, and a full store refuses the proofs of each worker', async (t) => {
    const usedProofs = createMemoryUsedProofs({ maxEntries: 1 });
    const one = throughPrimary({ usedProofs }).usedProofs;
    const other = throughPrimary({ usedProofs }).usedProofs;
    const proof = someProof();
    t.equal(await one.use(proof, NOW, NOW + MINUTE), true);
    t.equal(await other.use(proof, NOW, NOW + MINUTE), false);
    await t.rejects(other.use(someProof(), NOW, NOW + MINUTE), UsedDpopProofsFull);
  });
});

t.test('used proofs in Redis', async (t) => {
  const url = await requireRedis(t);
  if (url === null) return;
  const redis = await connectRedis(url, SILENT_LOG);
  t.teardown(() => redis.disconnect());
  const fresh = async (t: Test) => createRedisUsedProofs(redis, { prefix: testPrefix(t, redis) });

  await t.test('keep the contract', async (t) => usedProofsContract(t, fresh));

  await t.test('expire, and contain neither key nor jti', async (t) => {
    const prefix = testPrefix(t, redis);
    const proof = someProof();
    await createRedisUsedProofs(redis, { prefix }).use(proof, NOW, NOW + MINUTE);
    const [key = ''] = await redis.keys(`${prefix}*`);
    const left = await redis.pttl(key);
    t.ok(left > 0 && left <= MINUTE, String(left));
    t.notOk(key.includes(proof.jti) || key.includes(proof.jkt));
  });
});

t.test('a full Redis refuses proofs, and does not count as an outage', async (t) => {
  if (!requirePrivateRedis(t)) return;
  const server = await startPrivateRedis(t, ['--maxmemory-policy', 'noeviction']);
  const redis = await connectRedis(server.url, SILENT_LOG);
  t.teardown(() => redis.disconnect());
  await redis.config('SET', 'maxmemory', '1');
  const shared = createRedisUsedProofs(redis);
  const deps = {
    log: SILENT_LOG,
    telemetry: { dpopUnshared: () => t.fail('a full Redis counts as an outage') },
  };
  const used = usedDpopProofsWithFallback(shared, createMemoryUsedProofs(), deps);
  await t.rejects(used.use(someProof(), NOW, NOW + MINUTE), UsedDpopProofsFull);
  await redis.config('SET', 'maxmemory', '0');
  t.equal(await used.use(someProof(), NOW, NOW + MINUTE), true);
});

t.test('during an outage of Redis each process refuses the proofs that it has accepted before', async (t) => {
  if (!requirePrivateRedis(t)) return;
  const server = await startPrivateRedis(t);
  const lines: unknown[] = [];
  const log = { ...SILENT_LOG, error: (_: object, line: string) => void lines.push(line) };
  const metrics = createMetrics();
  const startProcess = async () => {
    const redis = await connectRedis(server.url, SILENT_LOG);
    t.teardown(() => redis.disconnect());
    const shared = createRedisUsedProofs(redis);
    await t.rejects(
      createRedisUsedProofs(redis, { prefix: 'kinship:' }).use(someProof(), NOW, NOW),
      StoreUnavailable,
      'a refused command is an outage',
    );
    return usedDpopProofsWithFallback(shared, createMemoryUsedProofs(), {
      log,
      telemetry: metrics.telemetry,
    });
  };
  const [one, other] = [await startProcess(), await startProcess()];
  const [before, after] = [someProof(), someProof()];
  t.equal(await one.use(before, NOW, NOW + MINUTE), true);
  t.equal(await other.use(before, NOW, NOW + MINUTE), false, 'shared');
  await server.kill();
  t.equal(await one.use(before, NOW, NOW + MINUTE), false, 'known from before the outage');
  t.equal(await one.use(after, NOW, NOW + MINUTE), true);
  t.equal(await one.use(after, NOW, NOW + MINUTE), false);
  t.same(lines, ['used proofs are known to this replica alone'], 'logged once');
  t.match(await metrics.scrape(), /kinship_dpop_unshared_total 1\n/);
});

t.test('after an outage of Redis proofs are shared again from the first success on', async (t) => {
  let isAway = true;
  const shared = createMemoryUsedProofs();
  const primary = {
    use: async (...use: Parameters<typeof shared.use>) => {
      if (isAway) throw new StoreUnavailable('unknown', null);
      return shared.use(...use);
    },
  };
  let unshared = 0;
  const dpopUnshared = () => {
    unshared += 1;
  };
  const deps = { log: SILENT_LOG, telemetry: { dpopUnshared } };
  const used = usedDpopProofsWithFallback(primary, createMemoryUsedProofs({ maxEntries: 3 }), deps);
  await used.use(someProof(), NOW, NOW + MINUTE);
  isAway = false;
  await used.use(someProof(), NOW, NOW + MINUTE);
  const proof = someProof();
  t.equal(await used.use(proof, NOW, NOW + MINUTE), true);
  t.equal(unshared, 2);
  t.equal(await shared.use(proof, NOW, NOW + MINUTE), false);
  t.equal(await used.use(someProof(), NOW, NOW + MINUTE), true, 'also with a full memory');
});

t.test('a process refuses the proofs that it has accepted, also if Redis comes back empty', async (t) => {
  const [shared, empty] = [createMemoryUsedProofs(), createMemoryUsedProofs()];
  let reach = (): UsedDpopProofs => shared;
  const deps = { log: SILENT_LOG, telemetry: { dpopUnshared: () => {} } };
  const primary: UsedDpopProofs = { use: async (...use) => reach().use(...use) };
  const used = usedDpopProofsWithFallback(primary, createMemoryUsedProofs(), deps);
  const use = (proof: ReturnType<typeof someProof>) => used.use(proof, NOW, NOW + MINUTE);
  const [before, during, after] = [someProof(), someProof(), someProof()];
  t.equal(await use(before), true);
  reach = () => {
    throw new StoreUnavailable('unknown', null);
  };
  t.equal(await use(during), true);
  reach = () => empty;
  t.equal(await use(someProof()), true, 'ends the outage');
  t.equal(await use(after), true);
  for (const proof of [before, during, after]) t.equal(await use(proof), false);
});
