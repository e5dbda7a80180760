import { randomUUID } from 'node:crypto';
import t from 'tap';
import { sendPeriodAgain } from '../../src/app/webhooks/inspect-deliveries.ts';
import { someEndpoint } from '../ports/webhooks.ts';
import { NOW } from '../support/families.ts';
import { createMemoryWebhooks } from '../support/memory/webhooks.ts';

const COUNT = 12_000;
const ORIGIN = { actor: { kind: 'operator', name: 'ops' }, address: null, userAgent: null } as const;

t.test(
  'all deliveries of a long period are sent again, although the endpoint answers in between',
  async (t) => {
    const { webhookEndpoints, webhookDeliveries } = createMemoryWebhooks();
    const endpoint = someEndpoint();
    await webhookEndpoints.add(endpoint, { total: 1, ofOwner: 1 });
    for (let index = 0; index < COUNT; index += 1) {
      const event = { id: randomUUID(), type: 'users.deleted', occurredAt: NOW + index, data: {} };
      await webhookDeliveries.add(endpoint.id, event);
    }
    const answered = new Map<string, number>();
    const answerAll = async () => {
      const claimed = await webhookDeliveries.claim(endpoint.id, NOW + COUNT, NOW + 2 * COUNT, COUNT);
      for (const { event } of claimed) answered.set(event.id, (answered.get(event.id) ?? 0) + 1);
      const outcome = { state: 'delivered', dueAt: NOW, history: [] } as const;
      await webhookDeliveries.record(
        endpoint.id,
        claimed.map(({ event }) => ({ eventId: event.id, ...outcome })),
      );
    };
    await answerAll();

    const deps = { webhookEndpoints, webhookDeliveries, clock: () => NOW + COUNT, newId: randomUUID };
    const send = sendPeriodAgain(deps);
    const counts: number[] = [];
    let from: number | null = NOW;
    while (from !== null && counts.length < 10) {
      const { count, next } = await send(endpoint.id, { from, to: NOW + COUNT, onlyFailed: false }, ORIGIN);
      counts.push(count);
      await answerAll();
      from = next === undefined ? null : Date.parse(next);
    }
    // Each further request begins at the last event of the request before it, and sends this event again.
    t.same(counts, [5_000, 5_000, 2_002]);
    const times = [...answered.values()];
    t.equal(times.length, COUNT);
    t.ok(times.every((count) => count === 2 || count === 3));
  },
);
