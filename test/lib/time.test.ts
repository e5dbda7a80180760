import t, { type Test } from 'tap';
import { parseTime, sleep, waitAtMost, withDeadline } from '../../src/lib/time.ts';

const HOUR = 3_600_000;
const createError = () => new Error('too late');

/** Work that never ends. It keeps the process alive, because the timers under test do not. */
function endlessWork(t: Test): Promise<never> {
  const keepAlive = setInterval(() => {}, HOUR);
  t.teardown(() => clearInterval(keepAlive));
  return new Promise(() => {});
}

t.test('an aborted signal ends a sleep', async (t) => {
  const stopping = new AbortController();
  const sleeping = sleep(HOUR, stopping.signal);
  stopping.abort();
  await sleeping;
  await t.resolves(sleep(HOUR, stopping.signal), 'a sleep after the abort');
});

t.test('a sleep without a signal ends', async (t) => {
  await t.resolves(sleep(1));
});

t.test('a valid time in the years 1 to 9999 is parsed, and any other text is null', (t) => {
  t.equal(parseTime('1970-01-01T00:00:01Z'), 1_000);
  t.equal(parseTime('0001-01-01T00:00:00Z'), -62_135_596_800_000);
  t.equal(parseTime('9999-12-31T23:59:59.999Z'), 253_402_300_799_999);
  t.equal(parseTime('2028-02-29t23:59:59+02:00'), Date.parse('2028-02-29T21:59:59Z'));
  for (const text of [
    '0000-12-31T23:59:59Z',
    '0001-01-01T00:00:00+00:01',
    '9999-12-31T23:59:59-00:01',
    '2016-12-31T23:59:60Z',
    '2026-02-30T12:00:00Z',
    '2026-01-31T24:00:00Z',
    '1 January 2026',
    'yesterday',
  ])
    t.equal(parseTime(text), null, text);
  t.end();
});

t.test('work within the limit keeps its result', async (t) => {
  t.equal(await waitAtMost(HOUR, Promise.resolve('done')), 'done');
  t.equal(await withDeadline(HOUR, Promise.resolve('done'), createError), 'done');
});

t.test('work that fails within the limit rejects with its own error', async (t) => {
  await t.rejects(waitAtMost(HOUR, Promise.reject(new Error('broken'))), { message: 'broken' });
  await t.rejects(withDeadline(HOUR, Promise.reject(new Error('broken')), createError), {
    message: 'broken',
  });
});

t.test('a wait for endless work resolves with undefined', async (t) => {
  t.equal(await waitAtMost(1, endlessWork(t)), undefined);
});

t.test('endless work rejects at its deadline with the given error', async (t) => {
  await t.rejects(withDeadline(1, endlessWork(t), createError), { message: 'too late' });
});
