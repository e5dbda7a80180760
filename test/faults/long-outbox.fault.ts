import t from 'tap';
import { createOutbox } from '../../src/adapters/postgres/outbox.ts';
import { postgresStores } from '../support/open-stores.ts';

const ENTRIES = 1_000_000;
const BATCH = 1_000;

t.test('an outbox of a million entries is emptied in batches', async (t) => {
  const stores = await postgresStores(t);
  if (stores === null) return;
  const { sql } = stores;
  await sql.begin(async (tx) => {
    await tx`set local statement_timeout = 0`;
    await tx`
      insert into outbox (id, kind, type, data, occurred_at, due_at)
      select gen_random_uuid(), 'event', 'sessions.started', '{"userId": "6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11"}', at, at
      from (select now() - n * interval '1 millisecond' as at from generate_series(1, ${ENTRIES}) n) entry`;
  });
  const outbox = createOutbox(sql);
  const times: number[] = [];
  let removed = 0;
  for (let count = BATCH; count === BATCH; ) {
    const since = performance.now();
    count = await outbox.forget('event', Date.now(), BATCH);
    times.push(performance.now() - since);
    removed += count;
  }
  t.equal(removed, ENTRIES);
  times.sort((one, other) => one - other);
  const [median, slowest] = [times[Math.floor(times.length / 2)], times.at(-1)];
  t.comment(
    `${ENTRIES} entries removed in ${times.length} batches: median ${median?.toFixed(1)} ms, ` +
      `slowest ${slowest?.toFixed(1)} ms`,
  );
});
