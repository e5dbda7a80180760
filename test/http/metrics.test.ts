import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import t from 'tap';
import { seriesIn, typesIn } from '../support/exposition.ts';
import { startHttpService } from '../support/http.ts';

t.test('arbitrary requests create a bounded number of series', async (t) => {
  const { url, app, send } = await startHttpService(t);
  const text = async () => (await fetch(`${url}/metrics`)).text();
  await send('/nowhere');
  await text();
  const before = seriesIn(await text());
  const methods = [
    'GET',
    'PUT',
    'DELETE',
    'PROPFIND',
    'LOCK',
    'SEARCH',
    'M-SEARCH',
    'TRACE',
    'MKCOL',
  ] as const;
  const agent = { host: '127.0.0.1', port: new URL(url).port };
  for (let index = 0; index < 2_000; index += 1) {
    const path = `/canary-${index}/auth/sessions?token=canary-${index}`;
    await app.inject({ method: 'GET', url: path });
  }
  for (const method of methods) {
    const asked = request({ ...agent, method, path: '/auth/sessions/canary' }).end();
    const [response] = await once(asked, 'response');
    response.resume();
    await once(response, 'end');
  }
  const shown = await text();
  const fresh = [...seriesIn(shown).keys()].filter((name) => !before.has(name));
  const kinds = fresh.map((name) => name.replace(/le="[^"]*",?/, '').replace(/_(bucket|sum|count)\{/, '{'));
  t.same([...new Set(kinds)].sort(), [
    'http_request_duration_seconds{method="DELETE",path="/auth/sessions/:id"}',
    'http_request_duration_seconds{method="PUT",path="none"}',
    'http_request_duration_seconds{method="other",path="none"}',
    'http_requests_total{method="DELETE",path="/auth/sessions/:id",status="401"}',
    'http_requests_total{method="GET",path="none",status="405"}',
    'http_requests_total{method="PUT",path="none",status="405"}',
    'http_requests_total{method="other",path="none",status="405"}',
  ]);
  t.equal(seriesIn(shown).get('http_requests_total{method="GET",path="none",status="404"}'), 2_001);
  t.notMatch(shown, 'canary');
});

t.test('docs/metrics.md lists exactly the service’s own metrics', async (t) => {
  const { url, metrics } = await startHttpService(t);
  const readings = {
    hashesRunning: () => 0,
    hashesWaiting: () => 0,
    isFeedComplete: () => true,
    revocationConsumers: () => 0,
    droppedLines: () => 0,
  };
  metrics.addReadings({
    publishesEvents: true,
    ...readings,
    outbox: { backlog: async () => [] },
    webhookDeliveries: { backlog: async () => ({ pending: 0, oldestDueAt: null }) },
    clock: Date.now,
  });
  const text = await (await fetch(`${url}/metrics`)).text();
  const ours = Object.entries(typesIn(text)).filter(([name]) => /^(?:http|auth|kinship)_/.test(name));
  const rows = readFileSync('docs/metrics.md', 'utf8').matchAll(
    /^\| `(\w+)` \| (counter|gauge|histogram) \|/gm,
  );
  t.same(Object.fromEntries([...rows].map(([, name, type]) => [name, type])), Object.fromEntries(ours));
});
