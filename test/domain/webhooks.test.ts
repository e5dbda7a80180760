import t from 'tap';
import { judgeDeliveryAttempt } from '../../src/domain/webhooks.ts';

const NOW = 1_800_000_000_000;
const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;

/** The verdict about an attempt, with no random part in its wait. */
const judge = (attempt: number, status: number | null, retryAfter: number | null = null) =>
  judgeDeliveryAttempt({ attempt, status, retryAfter }, NOW, 0.5);

t.test(
  'each 2xx status means delivered, and after any other answer or no answer the delivery is tried again',
  async (t) => {
    for (const status of [200, 204, 299]) t.equal(judge(1, status).state, 'delivered', `${status}`);
    for (const status of [null, 101, 199, 300, 302, 400, 404, 500, 503])
      t.equal(judge(1, status).state, 'pending', `${status}`);
  },
);

t.test('the waits grow over about three days, then the delivery has failed', async (t) => {
  const waits = [];
  for (let attempt = 1; judge(attempt, 500).state === 'pending'; attempt += 1)
    waits.push(judge(attempt, 500).dueAt - NOW);
  t.same(
    waits,
    [...waits].sort((one, other) => one - other),
  );
  t.equal(waits[0], 5 * SECOND);
  const total = waits.reduce((sum, wait) => sum + wait, 0);
  t.ok(total > 2.9 * DAY && total < 3.1 * DAY);
  t.match(judge(waits.length + 1, 500), { state: 'failed', heldUntil: null, isGone: false });
});

t.test('a random part makes a wait up to 5 % shorter or longer', async (t) => {
  const dueAt = (random: number) =>
    judgeDeliveryAttempt({ attempt: 6, status: 500, retryAfter: null }, NOW, random).dueAt;
  t.equal(dueAt(0), NOW + 0.95 * HOUR);
  t.equal(dueAt(1), NOW + 1.05 * HOUR);
});

t.test('Retry-After lengthens a wait, up to a day, and never shortens it', async (t) => {
  t.match(judge(1, 503, HOUR), { dueAt: NOW + HOUR, heldUntil: NOW + HOUR });
  t.match(judge(1, 503, 9 * DAY), { dueAt: NOW + DAY, heldUntil: NOW + DAY });
  t.match(judge(6, 503, SECOND), { dueAt: NOW + HOUR, heldUntil: NOW + SECOND });
  for (const none of [null, 0, -1])
    t.match(judge(1, 503, none), { dueAt: NOW + 5 * SECOND, heldUntil: null });
});

t.test('410 ends the delivery and disables the endpoint, whatever Retry-After says', async (t) => {
  t.match(judge(1, 410, HOUR), { state: 'failed', heldUntil: null, isGone: true });
});
