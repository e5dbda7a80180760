import { readFile } from 'node:fs/promises';
import t from 'tap';
import { typesIn } from '../support/exposition.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { MONITORING, promtool, requirePrometheus, startPrometheus } from '../support/prometheus.ts';
import { startServiceInProcess } from '../support/service-in-process.ts';
import { waitUntil } from '../support/wait-until.ts';

const USER = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly name: string;
      readonly health: string;
      readonly lastError?: string;
    }[];
  }[];
}

interface Alerts {
  readonly alerts: readonly { readonly labels: { readonly alertname: string }; readonly state: string }[];
}

t.test('promtool accepts the alert rules and their tests pass', async (t) => {
  if (!requirePrometheus(t)) return;
  t.match(await promtool('check', 'config', 'prometheus.yml'), /rules.yml\s+SUCCESS/);
  t.match(await promtool('test', 'rules', 'rules.test.yml'), /SUCCESS/);
});

t.test('Prometheus raises an alert for a theft', async (t) => {
  if (!requirePrometheus(t) || !(await requirePostgres(t))) return;
  const { url } = await startServiceInProcess(t, { DATABASE_URL: await testDatabase(t), MAIL: 'off' });
  const prometheus = await startPrometheus(t, new URL(url).host);
  const post = async (path: string) => {
    const response = await fetch(`${url}${path}`, { method: 'POST' });
    return (await response.json()) as Record<string, string>;
  };
  await waitUntil(async () =>
    (await readRuleHealth(prometheus).catch(() => ['starting'])).every((state) => state === 'ok'),
  );
  await waitUntil(async () => (await countSeries(prometheus, 'kinship_reuse_detected_total')) > 0);
  t.strictSame(await readFiringAlerts(prometheus), [], 'no alert is firing');

  const pair = await post(`/auth/login?userId=${USER}`);
  const refresh = `/auth/refresh?refreshToken=${pair.refresh}&accessToken=${pair.access}`;
  t.ok((await post(refresh)).access);
  t.equal((await post(refresh)).code, 'token_reused');
  await waitUntil(async () => (await readFiringAlerts(prometheus)).length > 0);
  t.strictSame(await readFiringAlerts(prometheus), ['KinshipThefts']);
});

t.test('the rules use existing metrics only', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { url } = await startServiceInProcess(t, { DATABASE_URL: await testDatabase(t), MAIL: 'off' });
  const types = typesIn(await (await fetch(`${url}/metrics`)).text());
  const rules = await readFile(`${MONITORING}/rules.yml`, 'utf8');
  const asked = new Set(
    [...rules.matchAll(/\b(?:kinship_|auth_|http_)\w+(?=[{)[ ])/g)].map(([name]) =>
      name.replace(/_bucket$/, ''),
    ),
  );
  t.ok(asked.size > 8);
  for (const name of asked) t.ok(name in types, name);
});

type Prometheus = Awaited<ReturnType<typeof startPrometheus>>;

async function readRuleHealth(prometheus: Prometheus): Promise<readonly string[]> {
  const { groups } = await prometheus.ask<Rules>('rules');
  return groups.flatMap(({ rules }) => rules.map((rule) => rule.health));
}

/** The number of series of a metric. A series that begins with its first event shows no increase. */
async function countSeries(prometheus: Prometheus, metric: string): Promise<number> {
  const { result } = await prometheus.ask<{ result: readonly unknown[] }>(`query?query=${metric}`);
  return result.length;
}

async function readFiringAlerts(prometheus: Prometheus): Promise<readonly string[]> {
  const { alerts } = await prometheus.ask<Alerts>('alerts');
  return alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname);
}
