import { readFile } from 'node:fs/promises';
import t from 'tap';
import { seriesIn, typesIn } from '../support/exposition.ts';
import { PASSWORD } from '../support/passwords.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { requirePrometheus, startPrometheus } from '../support/prometheus.ts';
import { dataDir, startServiceInProcess } from '../support/service-in-process.ts';
import { waitForValue } from '../support/wait-until.ts';
import { webhookReceiver } from '../support/webhook-receiver.ts';

const USER = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';
const ANN = { username: 'ann', email: 'ann@example.com', password: PASSWORD };

const KEY = 'correct-horse-battery-staple-2026';

/** Series that exist only after a mail and a webhook were delivered. */
const DELIVERED = [
  'kinship_deliveries_total{kind="mail"',
  'kinship_webhook_attempt_duration_seconds_bucket{le="0.1",format="webhook"',
];

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

async function panels(): Promise<readonly Panel[]> {
  return JSON.parse(await readFile('monitoring/grafana-dashboard.json', 'utf8')).panels;
}

/** The queries of the dashboard, with its variables replaced. */
async function queries(): Promise<readonly { title: string; query: string; legend: string }[]> {
  return (await panels()).flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, legendFormat }) => ({
      title,
      query: expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*'),
      legend: legendFormat,
    })),
  );
}

t.test('panels have unique ids, do not overlap, and each has a description', async (t) => {
  const all = await panels();
  t.equal(new Set(all.map(({ id }) => id)).size, all.length);
  for (const { title, type, description, gridPos: a, id } of all) {
    t.ok(a.x + a.w <= 24, title);
    if (type !== 'row') t.match(description, /[.?]$/, title);
    const overlapping = all.filter(({ gridPos: b, id: other }) => {
      const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
      return other !== id && !apart;
    });
    t.same(overlapping, [], title);
  }
});

t.test('every query finds its metrics and labels in a running service', async (t) => {
  if (!(await requirePostgres(t)) || !requirePrometheus(t)) return;
  const { url, metrics } = await startServiceInProcess(t, {
    DATABASE_URL: await testDatabase(t),
    DATA_DIR: await dataDir(t),
    LOGIN_BY_USER_ID: 'open',
    ARGON2_MEMORY: '1024',
    SERVICE_API_KEYS: `operator:admin:${KEY}`,
    WEBHOOKS_ALLOW_PRIVATE: '127.0.0.1',
  });
  await addWebhook(url, (await webhookReceiver(t)).url);
  const prometheus = await startPrometheus(t, new URL(url).host);
  await sendRequestsOfEachKind(url);

  await t.test('the service exports every metric and label of the queries', async (t) => {
    const text = await waitForValue('a delivery', async () => {
      const scraped = await (await fetch(metrics)).text();
      const isComplete = DELIVERED.every((series) => scraped.includes(series));
      return isComplete ? scraped : undefined;
    });
    const labels = labelsIn(text);
    const all = await queries();
    t.ok(all.length > 30);
    for (const { query, legend } of all) {
      const selected = [...query.matchAll(/(\w+)\{([^}]*)\}/g)];
      t.ok(selected.length > 0, query);
      const shown = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
      const grouped = (/ by \(([^)]+)\)/.exec(query)?.[1] ?? '').split(', ');
      t.same(
        shown.filter((label) => !grouped.includes(label)),
        [],
        `the legend of ${query}`,
      );
      for (const [, metric = '', matchers = ''] of selected) {
        const asked = [...matchers.matchAll(/(\w+)(?:=~|=)/g)].map(([, label = '']) => label);
        const has = [...(labels.get(metric) ?? []), 'instance', ''];
        t.ok(labels.has(metric), metric);
        t.same(
          [...asked, ...grouped].filter((label) => !has.includes(label)),
          [],
          `labels of ${query}`,
        );
      }
    }
  });

  await t.test('Prometheus answers every query with at least one series', async (t) => {
    await waitForValue('four scrapes', async () => {
      const { result } = await prometheus.ask<Result>(
        `query?query=${encodeURIComponent('count_over_time(up[1m]) > 3')}`,
      );
      return result.length > 0 ? true : undefined;
    });
    for (const { title, query } of await queries()) {
      const { result } = await prometheus.ask<Result>(`query?query=${encodeURIComponent(query)}`);
      t.ok(result.length > 0, `${title}: ${query}`);
    }
  });
});

interface Result {
  readonly result: readonly unknown[];
}

/** The labels of each metric. A histogram also has its buckets. */
function labelsIn(text: string): ReadonlyMap<string, ReadonlySet<string>> {
  const labels = new Map(Object.keys(typesIn(text)).map((name) => [name, new Set<string>()]));
  for (const series of seriesIn(text).keys()) {
    const [, name = '', inBraces = ''] = /^(\w+)(?:\{(.*)\})?$/.exec(series) ?? [];
    const own = labels.get(name) ?? new Set();
    labels.set(name, own);
    for (const [, label = ''] of inBraces.matchAll(/(\w+)="/g)) own.add(label);
  }
  return labels;
}

async function addWebhook(service: string, url: string): Promise<void> {
  const { status } = await fetch(`${service}/admin/webhooks`, {
    method: 'POST',
    headers: { 'x-api-key': KEY, 'content-type': 'application/json' },
    body: JSON.stringify({ url, types: ['*'] }),
  });
  if (status !== 201) throw new Error(`no webhook: ${status}`);
}

/**
 * Registers twice, logs in, refreshes, and replays the token, which causes a mail. Then guesses passwords until a limit
 * refuses.
 */
async function sendRequestsOfEachKind(url: string): Promise<void> {
  const post = async (path: string, body?: object) => {
    const init = { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body ?? {}) };
    const answer = await fetch(`${url}${path}`, { method: 'POST', ...(body && init) });
    return (await answer.json()) as Record<string, string>;
  };
  await post('/auth/register', ANN);
  await post('/auth/register', ANN);
  const pair = await post(`/auth/login?userId=${USER}&email=ann@example.com`);
  const refresh = `/auth/refresh?refreshToken=${pair.refresh}&accessToken=${pair.access}`;
  await post(refresh);
  await post(refresh);
  const guess = { username: 'bob', password: 'a wrong piano 42' };
  while ((await post('/auth/login', guess)).code === 'invalid_credentials');
}
