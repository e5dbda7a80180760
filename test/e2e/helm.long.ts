import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import t from 'tap';
import { parse } from 'yaml';
import { Environment, SECRETS } from '../../src/config/schema.ts';
import { scrape } from '../support/exposition.ts';
import {
  CHART,
  defaultValues,
  type Manifest,
  manifests,
  mergedValues,
  renderedFiles,
  requireGo,
  type Values,
} from '../support/helm/chart.ts';
import { faultsOf, WITHOUT_TYPES } from '../support/helm/schemas.ts';
import { freePort } from '../support/ports.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { startService } from '../support/process.ts';
import { dataDir } from '../support/service-in-process.ts';
import { writeSecrets } from '../support/write-secrets.ts';

const MINIMAL: Values = {
  config: { PUBLIC_URL: 'https://auth.example.com', MAIL: 'off' },
  secrets: { existingSecret: 'kinship' },
};
const PEER = [{ podSelector: { matchLabels: { app: 'ingress' } } }];
const FULL = mergedValues(MINIMAL, {
  config: { CONSOLE: 'on', CONSOLE_PORT: '3001' },
  image: { digest: `sha256:${'a'.repeat(64)}` },
  imagePullSecrets: [{ name: 'registry' }],
  ingress: {
    enabled: true,
    className: 'nginx',
    host: 'auth.example.com',
    annotations: { 'cert-manager.io/cluster-issuer': 'letsencrypt' },
    tls: [{ secretName: 'auth-tls', hosts: ['auth.example.com'] }],
  },
  service: { annotations: { a: 'b' } },
  autoscaling: { enabled: true },
  metrics: { serviceMonitor: { enabled: true, labels: { release: 'prometheus' } } },
  networkPolicy: { httpFrom: PEER, consoleFrom: PEER, egress: [{ to: PEER, ports: [{ port: 5432 }] }] },
  serviceAccount: { annotations: { a: 'b' } },
  podAnnotations: { a: 'b' },
  nodeSelector: { a: 'b' },
  tolerations: [{ key: 'a', operator: 'Exists' }],
  affinity: { podAntiAffinity: {} },
  priorityClassName: 'high',
  extraVolumes: [{ name: 'ca', configMap: { name: 'ca' } }],
  extraVolumeMounts: [{ name: 'ca', mountPath: '/ca' }],
});

/** Values of which the chart would make manifests that Kubernetes refuses. */
const UNRENDERABLE: readonly Values[] = [
  { replicaCount: -1 },
  { replicaCount: 2.5 },
  { replicaCount: '2' },
  { replicaCount: 1_000_000 },
  { replicaCount: null },
  { autoscaling: null },
  { autoscaling: { maxReplicas: 0 } },
  { autoscaling: { targetCPUUtilizationPercentage: null } },
  { image: { tag: 'v 1' } },
  { image: { tag: 'a'.repeat(129) } },
  { image: { pullPolicy: null } },
  { imagePullSecrets: ['registry'] },
  { config: { CONSOLE_PORT: 'web' } },
  { config: { CONSOLE_PORT: '80' } },
  { secrets: { existingSecret: 'My_Secret' } },
  { secrets: { existingSecret: 'a'.repeat(254) } },
  { secrets: { files: { REDIS_URL: '..' } } },
  { service: { type: 'ExternalName' } },
  { service: { port: null } },
  { service: { annotations: { 'two words': 'a' } } },
  { ingress: { host: 'https://auth.example.com' } },
  { ingress: { paths: [] } },
  { ingress: { className: 'Two Words' } },
  { ingress: { tls: ['auth-tls'] } },
  { ingress: { tls: [{ secretName: 'auth-tls', host: 'auth.example.com' }] } },
  { metrics: { port: 3000 } },
  { metrics: { serviceMonitor: { interval: '30' } } },
  { metrics: { serviceMonitor: { labels: { release: 'a'.repeat(64) } } } },
  { metrics: { serviceMonitor: { labels: { 'app.kubernetes.io/name': 'other' } } } },
  { networkPolicy: { httpFrom: [{}] } },
  { networkPolicy: { httpFrom: [{ ipBlock: { cidr: '10.0.0.1' } }] } },
  { networkPolicy: { consoleFrom: [{ ipBlock: { cidr: '10.0.0.0/8' }, podSelector: {} }] } },
  { networkPolicy: { egress: [{ ports: [{ port: 0 }] }] } },
  { podDisruptionBudget: { maxUnavailable: -1 } },
  { podDisruptionBudget: { maxUnavailable: '1' } },
  { podDisruptionBudget: { maxUnavailable: '101%' } },
  { serviceAccount: { name: 'Kinship' } },
  { resources: { limits: { memory: '512 MB' } } },
  { resources: { request: {} } },
  { podSecurityContext: { runAsUser: '1000' } },
  { shutdownDelaySeconds: -1 },
  { podAnnotations: { 'checksum/config': 'a' } },
  { nodeSelector: { zone: 'two words' } },
  { tolerations: [{ operator: 'exists' }] },
  { affinity: { podAntiAfinity: {} } },
  { priorityClassName: 'High' },
  { extraVolumes: [{ configMap: { name: 'ca' } }] },
  { extraVolumeMounts: [{ name: 'ca', mountPath: 'ca' }] },
];

const manifestsOfKind = (all: readonly Manifest[], kind: string) =>
  all.filter((manifest) => manifest.kind === kind);

function firstOfKind(all: readonly Manifest[], kind: string): Manifest {
  const [manifest] = manifestsOfKind(all, kind);
  if (manifest === undefined) throw new Error(`no ${kind}`);
  return manifest;
}

async function valuesSchema() {
  const schema = JSON.parse(await readFile(join(CHART, 'values.schema.json'), 'utf8'));
  return { schema, accepts: new Ajv({ allowUnionTypes: true }).compile(schema) };
}

t.test('every manifest fits the types and schemas of Kubernetes', async (t) => {
  if (!requireGo(t)) return;
  const kinds = (all: readonly Manifest[]) => all.map(({ kind }) => kind).sort();
  const [minimal, full] = [await manifests(MINIMAL), await manifests(FULL)];
  const always = ['ConfigMap', 'Deployment', 'NetworkPolicy', 'PodDisruptionBudget', 'Service', 'Service'];
  t.same(kinds(minimal), [...always, 'ServiceAccount']);
  const chosen = ['HorizontalPodAutoscaler', 'Ingress', 'Service', 'ServiceMonitor'];
  t.same(kinds(full), [...always, 'ServiceAccount', ...chosen].sort());

  const misspelt = await manifests(mergedValues(MINIMAL, { podSecurityContext: { runAsNonRot: true } }));
  const wrong = await manifests(mergedValues(MINIMAL, { service: { type: 'Clustr' } }));
  const all = [...minimal, ...full, firstOfKind(misspelt, 'Deployment'), firstOfKind(wrong, 'Service')];
  const found = await faultsOf(all, t.testdir());
  // The types find both faults, and the schemas find the second one.
  const mistakes = [/runAsNonRot/, /Clustr/, /spec\/type must be/];
  const isKnown = (fault: string) => mistakes.some((mistake) => mistake.test(fault));
  for (const mistake of mistakes) t.match(found.join('\n'), mistake, 'the check finds a fault');
  const others = found.filter((fault) => !isKnown(fault));
  t.same(others, []);
});

t.test('values name every variable that an operator of the chart can set, and no other', async (t) => {
  const { schema } = await valuesSchema();
  const fixed = ['API_HOST', 'API_PORT', 'METRICS_PORT', 'NODE_ENV'];
  const ofLibraries = ['NODE_EXTRA_CA_CERTS', 'NODE_OPTIONS'];
  const secrets: readonly string[] = SECRETS;
  const settable = Object.keys(Environment.properties).filter(
    (name) => ![...fixed, ...secrets].includes(name),
  );
  t.same(schema.properties.config.propertyNames.enum, [...settable, ...ofLibraries].sort(), 'config');
  t.same(schema.properties.secrets.properties.files.propertyNames.enum, [...secrets].sort(), 'secrets.files');
  const defaults = await defaultValues();
  t.same(
    Object.keys(defaults).filter((name) => !(name in schema.properties)),
    [],
  );
});

t.test('values with which the service cannot work are refused', async (t) => {
  const { accepts } = await valuesSchema();
  const defaults = await defaultValues();
  const isAccepted = (over: Values) => accepts(mergedValues(defaults, over));
  t.ok(isAccepted(MINIMAL));
  t.ok(isAccepted(FULL));
  const [, example = ''] = /```yaml\n([^`]+)```/.exec(await readFile('deploy/helm/README.md', 'utf8')) ?? [];
  t.ok(isAccepted(parse(example)), 'the example in the README');
  const refused: readonly Values[] = [
    { config: { PUBLIC_URL: 'http://auth.example.com' } },
    { config: { DATABASE_URL: 'postgres://user:secret@db/kinship' } },
    { config: { ACCESS_TOKEN_AEG: '15m' } },
    { config: { DATABASE_POOL: 4 } },
    { config: { MAIL: false } },
    { secrets: { existingSecret: '' } },
    { secrets: { files: { PUBLIC_URL: 'public_url' } } },
    { secrets: { files: { REDIS_URL: '../redis' } } },
    { metrics: { port: 80 } },
    { replicas: 3 },
    ...UNRENDERABLE,
  ];
  t.notOk(isAccepted({}), 'the defaults alone');
  const minimal = mergedValues(defaults, MINIMAL);
  for (const over of refused) t.notOk(accepts(mergedValues(minimal, over)), JSON.stringify(over));
});

t.test('the chart refuses to render without a database or a Secret', async (t) => {
  if (!requireGo(t)) return;
  const noDatabase = mergedValues(MINIMAL, { secrets: { files: { DATABASE_URL: null } } });
  await t.rejects(manifests(noDatabase), /POSTGRES_HOST/);
  t.ok(await manifests(mergedValues(noDatabase, { config: { POSTGRES_HOST: 'postgres' } })));
  await t.rejects(manifests(mergedValues(MINIMAL, { secrets: { existingSecret: '' } })), /existingSecret/);
});

t.test('the chart refuses values that do not fit each other, and says which', async (t) => {
  if (!requireGo(t)) return;
  const withConsole = (config: Values) => ({ config: { CONSOLE: 'on', ...config } });
  const volume = { name: 'ca', configMap: { name: 'ca' } };
  const mount = { name: 'ca', mountPath: '/ca' };
  const refusals: readonly (readonly [Values, RegExp])[] = [
    [{ image: { repository: 'kinship:1.0' } }, /image\.repository must have no tag/],
    [
      { image: { repository: 'registry.example.com:5000/kinship@sha256:0' } },
      /must have no tag and no digest/,
    ],
    [{ image: { repository: 'my kinship' } }, /image\.repository must be the name of an image/],
    [{ config: { POSTGRES_HOST: 'postgres' } }, /Set secrets\.files\.DATABASE_URL to null/],
    [{ config: { CONSOLE_PORT: '3001' } }, /Set config\.CONSOLE to "on"/],
    [withConsole({ CONSOLE_PORT: '3000' }), /CONSOLE_PORT must be a port from 1024/],
    [withConsole({ CONSOLE_PORT: '9464' }), /CONSOLE_PORT must be a port from 1024/],
    [withConsole({ CONSOLE_PORT: '70000' }), /CONSOLE_PORT must be a port from 1024/],
    [{ ingress: { enabled: true } }, /Set ingress\.host/],
    [
      { autoscaling: { enabled: true, minReplicas: 7 } },
      /minReplicas must not be greater than autoscaling\.maxReplicas/,
    ],
    [{ extraVolumes: [{ ...volume, name: 'tmp' }] }, /extraVolumes has the name tmp twice/],
    [{ extraVolumes: [volume, volume] }, /extraVolumes has the name ca twice/],
    [{ extraVolumeMounts: [mount] }, /names the volume ca, which extraVolumes does not have/],
    [{ extraVolumes: [volume], extraVolumeMounts: [mount, mount] }, /has the path \/ca twice/],
    [
      { extraVolumes: [volume], extraVolumeMounts: [{ ...mount, mountPath: '/tmp' }] },
      /has the path \/tmp twice/,
    ],
  ];
  for (const [over, message] of refusals)
    await t.rejects(manifests(mergedValues(MINIMAL, over)), message, JSON.stringify(over));
  const ownRegistry = { image: { repository: 'registry.example.com:5000/auth/kinship' } };
  t.ok(await manifests(mergedValues(MINIMAL, ownRegistry)), 'a registry with a port');
});

t.test('a release whose name no Service can have is refused', async (t) => {
  if (!requireGo(t)) return;
  for (const name of ['1st', 'a.b', 'Blue', '123', 'a'.repeat(54)])
    await t.rejects(manifests(MINIMAL, name), /name of the release/, name);
  const names = (await manifests(FULL, 'a'.repeat(53))).map(({ metadata }) => metadata.name);
  t.ok(names.every((name) => name.length <= 63));
});

t.test('a text that YAML could read as another type stays text', async (t) => {
  if (!requireGo(t)) return;
  const digits = mergedValues(FULL, {
    secrets: { existingSecret: '123' },
    ingress: { className: '123' },
    serviceAccount: { name: '123' },
    priorityClassName: '123',
    metrics: { serviceMonitor: { interval: '0' } },
  });
  const all = await manifests(digits, 'null');
  t.same(await faultsOf(all, t.testdir()), []);
  const [monitor] = manifestsOfKind(all, 'ServiceMonitor');
  t.equal(monitor?.spec.endpoints[0].interval, '0');
  for (const { metadata } of all) t.equal(metadata.labels['app.kubernetes.io/instance'], 'null');
});

t.test('pods run without privileges, and have time to stop', async (t) => {
  if (!requireGo(t)) return;
  const { spec } = firstOfKind(await manifests(MINIMAL), 'Deployment');
  const pod = spec.template.spec;
  const [container] = pod.containers;
  t.match(pod, {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    shareProcessNamespace: true,
  });
  t.match(pod.securityContext, { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
  t.same(container.securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  const mounts = container.volumeMounts.map(({ mountPath }: { mountPath: string }) => mountPath);
  t.same(mounts, ['/tmp', '/run/secrets/kinship']);
  t.equal(pod.volumes[1].secret.defaultMode, 0o440);
  const deadline = Number(
    /SHUTDOWN_DEADLINE = ([\d_]+)/.exec(await readFile('src/main/serve.ts', 'utf8'))?.[1]?.replace('_', ''),
  );
  const [, delay] = container.lifecycle.preStop.exec.command;
  t.ok(pod.terminationGracePeriodSeconds * 1_000 > deadline + Number(delay) * 1_000);

  const ids = { runAsUser: null, runAsGroup: null, fsGroup: null };
  const openShift = firstOfKind(
    await manifests(mergedValues(MINIMAL, { podSecurityContext: ids })),
    'Deployment',
  );
  t.notMatch(JSON.stringify(openShift), /runAsUser|runAsGroup|fsGroup/, 'the platform chooses the ids');
});

t.test('probes, ports and selectors fit together', async (t) => {
  if (!requireGo(t)) return;
  const all = await manifests(FULL, 'blue');
  const deployment = firstOfKind(all, 'Deployment');
  const { metadata, spec: pod } = deployment.spec.template ?? {};
  const [container] = pod.containers;
  const { paths } = JSON.parse(await readFile('docs/openapi.json', 'utf8'));
  for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'])
    t.ok(paths[container[probe].httpGet.path]?.get, probe);
  const ports = container.ports.map(({ name }: { name: string }) => name);
  t.same(ports, ['http', 'metrics', 'console']);

  const autoscaler = firstOfKind(all, 'HorizontalPodAutoscaler');
  t.equal(autoscaler.spec.scaleTargetRef.name, deployment.metadata.name);
  t.notOk('replicas' in deployment.spec, 'the autoscaler decides');
  const selectors = [
    deployment.spec.selector.matchLabels,
    firstOfKind(all, 'PodDisruptionBudget').spec.selector.matchLabels,
    firstOfKind(all, 'NetworkPolicy').spec.podSelector.matchLabels,
    ...manifestsOfKind(all, 'Service').map(({ spec }) => spec.selector),
  ];
  for (const selector of selectors) t.match(metadata.labels, selector);
  const named = [
    ...manifestsOfKind(all, 'Service').flatMap(({ spec }) =>
      spec.ports.map((port: { targetPort: string }) => port.targetPort),
    ),
    ...firstOfKind(all, 'NetworkPolicy').spec.ingress.flatMap(({ ports }: { ports: { port: string }[] }) =>
      ports.map(({ port }) => port),
    ),
  ];
  t.same(named, ['http', 'metrics', 'console', 'http', 'metrics', 'console']);

  const [monitor] = all.filter(({ apiVersion }) => apiVersion === WITHOUT_TYPES);
  const scraped = manifestsOfKind(all, 'Service').filter(({ metadata }) =>
    Object.entries(monitor?.spec.selector.matchLabels).every(
      ([name, value]) => metadata.labels[name] === value,
    ),
  );
  t.equal(scraped.length, 1, 'one Service is scraped');
  t.equal(scraped[0]?.spec.ports[0].name, monitor?.spec.endpoints[0].port);
  t.equal(scraped[0]?.metadata.labels[monitor?.spec.jobLabel], 'kinship', 'the job of the alert rules');
});

t.test('the ingress has the public routes, and not those of the inner network', async (t) => {
  if (!requireGo(t)) return;
  const ingress = firstOfKind(await manifests(FULL), 'Ingress');
  const rules: { path: string; pathType: string }[] = ingress.spec.rules[0].http.paths;
  const isOpen = (path: string) =>
    rules.some(
      (rule) => rule.path === path || (rule.pathType === 'Prefix' && path.startsWith(`${rule.path}/`)),
    );
  const { paths } = JSON.parse(await readFile('docs/openapi.json', 'utf8'));
  const operations = Object.entries(paths as Record<string, Record<string, { tags: string[] }>>).map(
    ([path, methods]) => ({ path, tags: Object.values(methods)[0]?.tags ?? [] }),
  );
  const ofDoors = ['session-id', 'cookie-pair', 'task-api'];
  const canonical = operations.filter(
    ({ path, tags }) => !/swagger/.test(path) && !ofDoors.includes(tags[0] ?? ''),
  );
  t.ok(canonical.length > 20);
  for (const { path } of canonical)
    t.equal(isOpen(path), !/^\/(health|metrics|admin|revocations)/.test(path), path);
  t.ok(isOpen('/docs/json'));
});

t.test('a change of the configuration or of the revision of the secrets replaces the pods', async (t) => {
  if (!requireGo(t)) return;
  const checksum = async (over: Values) =>
    firstOfKind(await manifests(mergedValues(MINIMAL, over)), 'Deployment').spec.template.metadata
      .annotations['checksum/config'];
  const before = await checksum({});
  t.equal(await checksum({ replicaCount: 3 }), before);
  t.not(await checksum({ config: { LOG_LEVEL: 'debug' } }), before);
  t.not(await checksum({ secrets: { revision: '2' } }), before);
});

t.test('the notes warn of missing values', async (t) => {
  if (!requireGo(t)) return;
  const notes = async (over: Values) => (await renderedFiles(mergedValues(FULL, over)))['NOTES.txt'];
  t.match(await notes({}), /TRUST_PROXY is not set[\s\S]+REDIS_URL is not set/);
  const complete = { config: { TRUST_PROXY: '10.0.0.0/8' }, secrets: { files: { REDIS_URL: 'redis_url' } } };
  t.notMatch(await notes(complete), /is not set/);
});

t.test('the chart has the version of the service', async (t) => {
  const { appVersion } = parse(await readFile(join(CHART, 'Chart.yaml'), 'utf8'));
  t.equal(appVersion, JSON.parse(await readFile('package.json', 'utf8')).version);
});

t.test('the service starts with the environment of the chart', async (t) => {
  if (!requireGo(t) || !(await requirePostgres(t))) return;
  const folder = await dataDir(t);
  const [api, metrics] = [await freePort(), await freePort()];
  const all = await manifests(mergedValues(MINIMAL, { metrics: { port: metrics } }));
  const [secret] = firstOfKind(all, 'Deployment').spec.template.spec.volumes.flatMap(
    (volume: { secret?: unknown }) => volume.secret ?? [],
  );
  await writeSecrets(join(folder, 'secrets'), await testDatabase(t));
  const readme = await readFile('deploy/helm/README.md', 'utf8');
  for (const { key, path } of secret.items as { key: string; path: string }[]) {
    t.ok(existsSync(join(folder, 'secrets', key)), `${key} is made`);
    t.match(readme, `--from-file=secrets/${key}`);
    t.equal(path, key);
  }
  const { data } = firstOfKind(all, 'ConfigMap');
  const entries = Object.entries(data as Record<string, string>).map(
    ([name, value]) => [name, value.replace('/run/secrets/kinship', join(folder, 'secrets'))] as const,
  );
  const env = { ...Object.fromEntries(entries), API_HOST: '127.0.0.1', API_PORT: String(api) };
  const { url } = await startService(t, { env });
  const deployment = firstOfKind(all, 'Deployment');
  const [container] = deployment.spec.template.spec.containers ?? [];
  for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'])
    t.equal((await fetch(`${url}${container[probe].httpGet.path}`)).status, 200, probe);
  t.equal((await scrape(`http://127.0.0.1:${metrics}/metrics`)).get('kinship_database_up'), 1);
});
