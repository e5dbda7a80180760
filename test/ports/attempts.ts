import type { Test } from 'tap';
import { ATTEMPT_POLICY } from '../../src/domain/attempts.ts';
import type { AllowedAttempt, Attempts } from '../../src/ports/stores/attempts.ts';
import { NOW } from '../support/families.ts';

const { account: PER_ACCOUNT, network: PER_NETWORK, knownFor, knownNetworks } = ATTEMPT_POLICY;
/** A subject whose identifier is the name of its account. */
const subject = (account: string, network: string) => ({ account, identifier: account, network });
const ANN = subject('ann', '192.0.2.1');
const STRANGER = subject('ann', '198.51.100.66');

type Fresh = (t: Test) => Promise<Attempts>;

/** The contract of {@link Attempts} under the usual policy. `fresh` gives a store that has counted nothing. */
export function attemptsContract(t: Test, fresh: Fresh): void {
  t.test('behavior', (t) => behavior(t, fresh));
  t.test('limits of actions', (t) => actionLimits(t, fresh));
  t.test('concurrency', (t) => concurrency(t, fresh));
  t.end();
}

/** Makes this number of attempts one after another, and returns how many were allowed. */
async function countAllowed(
  attempts: Attempts,
  subject: typeof ANN,
  times: number,
  now = NOW,
): Promise<number> {
  let allowed = 0;
  for (let i = 0; i < times; i += 1) {
    if ((await attempts.begin(subject, now)).allowed) allowed += 1;
  }
  return allowed;
}

async function behavior(t: Test, fresh: Fresh): Promise<void> {
  await t.test('each identifier of an account has its own count', async (t) => {
    const attempts = await fresh(t);
    const byAddress = { ...STRANGER, identifier: 'ann@example.com' };
    await logIn(attempts, ANN);
    await countAllowed(attempts, STRANGER, 10);
    t.ok((await attempts.begin(byAddress, NOW)).allowed);
    const atHome = { ...ANN, identifier: 'ann@example.com' };
    await countAllowed(attempts, ANN, 10);
    t.ok((await attempts.begin(atHome, NOW)).allowed, 'also where the account is known');
    t.equal(await countAllowed(attempts, atHome, 10), PER_ACCOUNT.free - 1, 'its own count has one attempt');
  });

  await t.test('failures of a network are forgotten one by one', async (t) => {
    const attempts = await fresh(t);
    const { free, forgetOneAfter } = PER_NETWORK;
    if (forgetOneAfter === null) throw new Error('this policy must forget failures of networks');
    const someone = (index: number) => subject(`user ${index}`, STRANGER.network);
    for (let i = 0; i < free; i += 1) await attempts.begin(someone(i), NOW);
    t.notOk((await attempts.begin(someone(free), NOW + 999)).allowed);
    t.ok((await attempts.begin(someone(free), NOW + forgetOneAfter)).allowed, 'one has been forgotten');
    const half = NOW + (free / 2) * forgetOneAfter;
    let allowed = 0;
    for (let i = 0; i < free; i += 1) if ((await attempts.begin(someone(i), half)).allowed) allowed += 1;
    t.equal(allowed, free / 2 - 1);
  });

  await t.test('on a network with constant wrong guesses a new user waits 64 seconds at most', async (t) => {
    const attempts = await fresh(t);
    let now = NOW;
    for (let allowed = 0; allowed < 60; ) {
      const verdict = await attempts.begin(subject(`user ${allowed}`, STRANGER.network), now);
      if (verdict.allowed) allowed += 1;
      else now += verdict.retryAfter * 1000;
    }
    const verdict = await attempts.begin(subject('newcomer', STRANGER.network), now);
    t.ok(verdict.allowed || verdict.retryAfter <= 64, JSON.stringify(verdict));
  });

  await t.test(
    'an owner who resets the password by a mailed link can log in at once, also at an unknown network',
    async (t) => {
      const attempts = await fresh(t);
      const identifiers = ['ann', 'ann@example.com'];
      for (const identifier of identifiers) await countAllowed(attempts, { ...STRANGER, identifier }, 10);
      await attempts.recordRecovery({ account: 'ann', identifiers, network: ANN.network }, NOW);
      for (const identifier of identifiers)
        t.ok((await attempts.begin({ ...ANN, identifier, network: '203.0.113.9' }, NOW)).allowed, identifier);
      await countAllowed(attempts, STRANGER, 10);
      for (const identifier of identifiers)
        t.ok((await attempts.begin({ ...ANN, identifier }, NOW)).allowed, `${identifier}, guessed at again`);
    },
  );

  await t.test('a recovery forgets the mistakes of the owner at known networks', async (t) => {
    const attempts = await fresh(t);
    const office = { ...ANN, network: '203.0.113.7' };
    for (const known of [ANN, office]) {
      await logIn(attempts, known);
      await countAllowed(attempts, known, 20);
      t.notOk((await attempts.begin(known, NOW)).allowed);
    }
    await attempts.recordRecovery({ account: 'ann', identifiers: ['ann'], network: ANN.network }, NOW);
    t.ok((await attempts.begin(ANN, NOW)).allowed, 'the network of the link');
    t.ok((await attempts.begin(office, NOW)).allowed, 'another known network');
  });

  await t.test('the first attempts have no delay, then the delay doubles', async (t) => {
    const attempts = await fresh(t);
    t.equal(await countAllowed(attempts, ANN, 10), PER_ACCOUNT.free);
    let now = NOW;
    for (const seconds of [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]) {
      t.same(await attempts.begin(ANN, now), { allowed: false, counter: 'account', retryAfter: seconds });
      t.same(
        await attempts.begin(ANN, now + 1),
        { allowed: false, counter: 'account', retryAfter: seconds },
        'rounded up',
      );
      now += seconds * 1000;
      t.same(await attempts.begin(ANN, now - 1), { allowed: false, counter: 'account', retryAfter: 1 });
      t.ok((await attempts.begin(ANN, now)).allowed);
    }
  });

  await t.test('all failures are forgotten after the quiet period', async (t) => {
    const attempts = await fresh(t);
    await countAllowed(attempts, ANN, 10);
    t.equal(await countAllowed(attempts, ANN, 10, NOW + PER_ACCOUNT.quiet - 1), 1);
    t.equal(await countAllowed(attempts, ANN, 10, NOW + 2 * PER_ACCOUNT.quiet - 1), PER_ACCOUNT.free);
  });

  await t.test('an account has one count over all networks, separate from other accounts', async (t) => {
    const attempts = await fresh(t);
    for (let i = 0; i < PER_ACCOUNT.free; i += 1) {
      t.ok((await attempts.begin(subject('ann', `192.0.2.${i}`), NOW)).allowed);
    }
    t.notOk((await attempts.begin(STRANGER, NOW)).allowed);
    t.ok((await attempts.begin(subject('bob', STRANGER.network), NOW)).allowed);
  });

  await t.test('a network has one count over all accounts, separate from other networks', async (t) => {
    const attempts = await fresh(t);
    for (let i = 0; i < PER_NETWORK.free; i += 1) {
      t.ok((await attempts.begin(subject(`user ${i}`, STRANGER.network), NOW)).allowed);
    }
    t.same(await attempts.begin(STRANGER, NOW), { allowed: false, counter: 'network', retryAfter: 1 });
    t.ok((await attempts.begin(ANN, NOW)).allowed);
  });

  await t.test('an owner has a separate count at a known network', async (t) => {
    const attempts = await fresh(t);
    await logIn(attempts, ANN);
    await countAllowed(attempts, STRANGER, 10);
    for (let i = 0; i < 30; i += 1) await attempts.begin(subject(`user ${i}`, ANN.network), NOW);
    t.notOk((await attempts.begin(STRANGER, NOW)).allowed, 'the account is blocked elsewhere');
    t.notOk(
      (await attempts.begin(subject('bob', ANN.network), NOW)).allowed,
      'the network is blocked for other accounts',
    );
    t.equal(await countAllowed(attempts, ANN, 10), PER_ACCOUNT.free, 'and that count is also limited');
  });

  await t.test('a login at a known network resets its count', async (t) => {
    const attempts = await fresh(t);
    await logIn(attempts, ANN);
    await countAllowed(attempts, ANN, 10);
    await logIn(attempts, ANN, NOW + 1000);
    t.equal(await countAllowed(attempts, ANN, 10, NOW + 1000), PER_ACCOUNT.free);
  });

  await t.test(
    'a login at an unknown network takes back only its own attempt from the shared counts',
    async (t) => {
      const attempts = await fresh(t);
      await countAllowed(attempts, STRANGER, PER_ACCOUNT.free - 1);
      await logIn(attempts, ANN);
      t.equal(await countAllowed(attempts, STRANGER, 10), 1);
    },
  );

  await t.test(
    'right logins at the same time from an unknown network leave no failure counted',
    async (t) => {
      const attempts = await fresh(t);
      const home = await Promise.all(
        Array.from({ length: PER_ACCOUNT.free }, () => beginAllowed(attempts, ANN)),
      );
      for (const attempt of home) await attempts.recordSuccess(ANN, NOW, attempt);
      t.equal(await countAllowed(attempts, STRANGER, 10), PER_ACCOUNT.free, 'of the identifier');
      const others = Array.from({ length: PER_NETWORK.free }, (_, i) => subject(`user ${i}`, ANN.network));
      let allowed = 0;
      for (const other of others) allowed += await countAllowed(attempts, other, 1);
      t.equal(allowed, PER_NETWORK.free, 'of the network');
    },
  );

  await t.test('a login takes back nothing that it did not raise', async (t) => {
    const attempts = await fresh(t);
    const early = await beginAllowed(attempts, ANN);
    await attempts.recordSuccess(ANN, NOW, early);
    const atKnownNetwork = await beginAllowed(attempts, ANN);
    const forgotten = NOW + knownFor;
    await countAllowed(attempts, STRANGER, PER_ACCOUNT.free - 1, forgotten);
    await attempts.recordSuccess(ANN, forgotten, atKnownNetwork);
    await attempts.recordSuccess(ANN, forgotten, { allowed: true, raised: null });
    t.equal(await countAllowed(attempts, STRANGER, 10, forgotten), 1);
  });

  await t.test('logins do not use up the limit of a network', async (t) => {
    const attempts = await fresh(t);
    for (let i = 0; i < 2 * PER_NETWORK.free; i += 1) {
      await logIn(attempts, subject(`user ${i}`, ANN.network));
    }
    t.ok((await attempts.begin(ANN, NOW)).allowed);
  });

  await t.test('an account is known at a network for a limited time', async (t) => {
    const attempts = await fresh(t);
    await logIn(attempts, ANN);
    const end = NOW + knownFor;
    await countAllowed(attempts, STRANGER, 10, end - 1);
    t.ok((await attempts.begin(ANN, end - 1)).allowed);
    t.notOk((await attempts.begin(ANN, end)).allowed);
  });

  await t.test('an account is known only at the networks of its latest logins', async (t) => {
    const attempts = await fresh(t);
    const networks = Array.from({ length: knownNetworks + 1 }, (_, i) => `203.0.113.${i}`);
    for (const [i, network] of networks.entries()) await logIn(attempts, subject('ann', network), NOW + i);
    await countAllowed(attempts, STRANGER, 10, NOW + 100);
    const allowed = await Promise.all(
      networks.map((network) => attempts.begin(subject('ann', network), NOW + 100)),
    );
    t.same(
      allowed.map((verdict) => verdict.allowed),
      networks.map((_, i) => i > 0),
    );
  });

  await t.test('a clock that is behind does not lengthen the delay', async (t) => {
    const attempts = await fresh(t);
    await countAllowed(attempts, ANN, PER_ACCOUNT.free);
    t.same(await attempts.begin(ANN, NOW - 60_000), { allowed: false, counter: 'account', retryAfter: 1 });
  });
}

async function logIn(attempts: Attempts, subject: typeof ANN, now = NOW): Promise<void> {
  await attempts.recordSuccess(subject, now, await beginAllowed(attempts, subject, now));
}

async function beginAllowed(attempts: Attempts, subject: typeof ANN, now = NOW): Promise<AllowedAttempt> {
  const answer = await attempts.begin(subject, now);
  if (!answer.allowed) throw new Error('this login must be allowed');
  return answer;
}

async function actionLimits(t: Test, fresh: Fresh): Promise<void> {
  const limit = { count: 3, perMilliseconds: 10_000 };

  await t.test('a limit allows its number of actions in any period of its length', async (t) => {
    const attempts = await fresh(t);
    const take = (after: number) => attempts.countAction('mails to ann', limit, NOW + after);
    t.same(await take(0), { allowed: true, remaining: 2, retryAfter: 0 });
    t.same(await take(4_000), { allowed: true, remaining: 1, retryAfter: 0 });
    t.same(await take(9_000), { allowed: true, remaining: 0, retryAfter: 0 });
    t.same(await take(9_001), { allowed: false, remaining: 0, retryAfter: 1 });
    t.same(
      await take(10_000),
      { allowed: true, remaining: 0, retryAfter: 0 },
      'the first action is older than the period',
    );
    t.same(await take(10_001), { allowed: false, remaining: 0, retryAfter: 4 }, 'the second action is not');
    t.same(await take(30_000), { allowed: true, remaining: 2, retryAfter: 0 });
  });

  await t.test('each key has its own count', async (t) => {
    const attempts = await fresh(t);
    for (let i = 0; i < limit.count; i += 1) await attempts.countAction('a', limit, NOW);
    t.notOk((await attempts.countAction('a', limit, NOW)).allowed);
    t.ok((await attempts.countAction('b', limit, NOW)).allowed);
    t.notOk(
      (await attempts.countAction('c', { ...limit, count: 0 }, NOW)).allowed,
      'a limit of 0 allows no action',
    );
  });

  await t.test('an action that was taken back does not count', async (t) => {
    const attempts = await fresh(t);
    const take = (after: number) => attempts.countAction('mails to ann', limit, NOW + after);
    await take(0);
    await attempts.countAction('mails to bob', limit, NOW);
    for (const after of [1_000, 1_000]) await take(after);
    await attempts.uncountAction({ key: 'mails to ann', at: NOW + 1_000 });
    t.same(
      await take(2_000),
      { allowed: true, remaining: 0, retryAfter: 0 },
      'only one of two was taken back',
    );
    t.same(await take(2_000), { allowed: false, remaining: 0, retryAfter: 8 });
    await attempts.uncountAction({ key: 'mails to ann', at: NOW + 1_500 });
    t.notOk((await take(2_000)).allowed, 'no action was counted at that time');
    await attempts.uncountAction({ key: 'mails to bob', at: NOW });
    t.equal((await attempts.countAction('mails to bob', limit, NOW)).remaining, 2, 'the other key');
    await attempts.uncountAction({ key: 'mails to cid', at: NOW });
    t.equal((await attempts.countAction('mails to cid', limit, NOW)).remaining, 2, 'a key without actions');
  });
}

async function concurrency(t: Test, fresh: Fresh): Promise<void> {
  const hundred = <T>(task: (index: number) => Promise<T>) =>
    Promise.all(Array.from({ length: 100 }, (_, index) => task(index)));
  const allowedOf = (verdicts: readonly { readonly allowed: boolean }[]) =>
    verdicts.filter(({ allowed }) => allowed).length;

  await t.test('of 100 concurrent attempts only those without a delay are allowed', async (t) => {
    const attempts = await fresh(t);
    t.equal(allowedOf(await hundred(() => attempts.begin(STRANGER, NOW))), PER_ACCOUNT.free);
    t.equal(
      allowedOf(await hundred(() => attempts.begin(STRANGER, NOW + 1000))),
      1,
      'and a second later one attempt',
    );
  });

  await t.test(
    'of 100 concurrent attempts on many accounts from one network only those without a delay are allowed',
    async (t) => {
      const attempts = await fresh(t);
      const verdicts = await hundred((i) => attempts.begin(subject(`user ${i}`, ANN.network), NOW));
      t.equal(allowedOf(verdicts), PER_NETWORK.free);
    },
  );

  await t.test('concurrent guesses do not delay the owner at a known network', async (t) => {
    const attempts = await fresh(t);
    await logIn(attempts, ANN);
    const [strangers, owner] = await Promise.all([
      hundred(() => attempts.begin(STRANGER, NOW)),
      Promise.all(Array.from({ length: PER_ACCOUNT.free }, () => attempts.begin(ANN, NOW))),
    ]);
    t.equal(allowedOf(strangers), PER_ACCOUNT.free);
    t.equal(allowedOf(owner), owner.length);
  });

  await t.test('of 100 concurrent actions no more than the limit are allowed', async (t) => {
    const attempts = await fresh(t);
    const limit = { count: 7, perMilliseconds: 60_000 };
    const verdicts = await hundred(() => attempts.countAction('actions', limit, NOW));
    t.equal(allowedOf(verdicts), 7);
    t.same(
      verdicts
        .filter(({ allowed }) => allowed)
        .map(({ remaining }) => remaining)
        .sort(),
      [0, 1, 2, 3, 4, 5, 6],
    );
  });
}
