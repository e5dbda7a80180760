import t from 'tap';
import { createHmacKeyRing } from '../../src/adapters/jose/key-ring.ts';
import { createLog } from '../../src/adapters/telemetry/log.ts';
import { createMetrics } from '../../src/adapters/telemetry/metrics.ts';
import { createSecurity } from '../../src/compose/security.ts';
import { readConfig } from '../../src/config.ts';

/** More passwords than can be hashed or wait at the same time, each from another network. */
const PASSWORDS = 300;

t.test(
  'a metric counts each password that was accepted because the search for breaches failed',
  async (t) => {
    const PASSWORD_BREACH_URL = 'http://127.0.0.1:1/range/';
    const config = await readConfig({ PASSWORD_BREACH_URL }, t.testdir());
    const keySet = { signs: false, ring: createHmacKeyRing(config.tokens.accessKeys) };
    const { telemetry, scrape } = createMetrics();
    const { isBreachedPassword } = createSecurity(config, keySet, createLog('silent'), telemetry, () => 0);
    for (const count of [1, 2]) {
      t.equal(await isBreachedPassword('a violet piano 42'), false);
      t.match(await scrape(), `kinship_breach_searches_failed_total ${count}`);
    }
  },
);

t.test('with JTI_HASH=argon2id a refresh does not wait for passwords', async (t) => {
  const env = { JTI_HASH: 'argon2id', ARGON2_MEMORY: '1024' };
  const config = await readConfig(env, t.testdir());
  const keySet = { signs: false, ring: createHmacKeyRing(config.tokens.accessKeys) };
  const telemetry = { breachSearchFailed() {} };
  const { passwords, secrets, hashing } = createSecurity(
    config,
    keySet,
    createLog('silent'),
    telemetry,
    () => 0,
  );
  await passwords.hash('a violet piano 42', '192.0.2.1'); // waits until the hash that the start makes is done
  let done = 0;
  const results = Promise.allSettled(
    Array.from({ length: PASSWORDS }, (_, index) =>
      passwords.hash('a violet piano 42', `198.51.100.${index}`).then(() => {
        done += 1;
      }),
    ),
  );
  t.ok(hashing.waiting() > 100, `${hashing.waiting()} passwords wait`);
  await secrets.hashJti(secrets.scheme, 'a family', 'a jti');
  t.ok(done < PASSWORDS / 2, `${done} passwords were first`);
  const refused = (await results).filter(({ status }) => status === 'rejected');
  t.ok(refused.length > 0, 'the queue of passwords was full');
});
