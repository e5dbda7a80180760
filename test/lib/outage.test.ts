import t from 'tap';
import { createOutage } from '../../src/lib/outage.ts';

t.test('an outage is logged once, and its end once', async (t) => {
  const outage = createOutage();
  const lines: string[] = [];
  outage.end(() => lines.push('up'));
  for (const attempt of [1, 2, 3]) outage.begin(() => lines.push(`down ${attempt}`));
  t.equal(outage.isOngoing(), true);
  for (const attempt of [1, 2]) outage.end(() => lines.push(`up ${attempt}`));
  t.equal(outage.isOngoing(), false);
  outage.begin(() => lines.push('down again'));
  t.same(lines, ['down 1', 'up 1', 'down again']);
});

t.test('an outage is logged again when its reason changes', async (t) => {
  const outage = createOutage();
  const reasons: string[] = [];
  for (const reason of ['ECONNREFUSED', 'ECONNREFUSED', 'ETIMEDOUT', 'ECONNREFUSED'])
    outage.begin(() => reasons.push(reason), reason);
  t.same(reasons, ['ECONNREFUSED', 'ETIMEDOUT', 'ECONNREFUSED']);
});
