import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { startHttpService } from '../support/http.ts';
import { freePort } from '../support/ports.ts';
import { postgresServer, testDatabase } from '../support/postgres.ts';
import { dataDir, startServiceInProcess } from '../support/service-in-process.ts';
import { isLike, readSteps, requireCurl, runSteps } from '../support/transcript.ts';

const PLAYED = ['README.md', 'docs/api.md', 'docs/shared-signals.md', 'docs/webhooks.md'];

for (const document of PLAYED) {
  t.test(`the commands in ${document} give the documented answers`, async (t) => {
    if (!requireCurl(t)) return;
    const folder = await dataDir(t);
    const env = { DATA_DIR: join(folder, 'data'), ...(await environmentIn(document)) };
    // Passkeys are bound to the port of the configuration.
    const API_PORT = String(await freePort());
    const { url } = await startServiceInProcess(t, { ...env, API_PORT, ...(await quickDatabase(t)) });
    const steps = await readSteps(document);
    const outcomes = await runSteps(steps, folder, url);
    for (const [index, { commands, status, body }] of steps.entries()) {
      const outcome = outcomes[index];
      t.equal(outcome?.status, status, `status after ${commands}`);
      if (body === undefined || isLike(body, outcome?.body ?? '')) t.pass(`answer to ${commands}`);
      else t.equal(outcome?.body, body, `answer to ${commands}`);
    }
    const left = (await readdir(folder)).filter((name) => !['data', 'transcript'].includes(name));
    t.same(left, [], 'no file with tokens is left');
  });
}

t.test('git ignores the files that the commands write', async (t) => {
  let count = 0;
  for (const document of [...PLAYED, 'docs/integrate.md']) {
    const commands = (await readSteps(document)).map((step) => step.commands).join('');
    const names = [...commands.matchAll(/(?:-o|-c|tee|mv \S+|cp \S+) ([a-z][\w-]*(?:\.json)?)(?=[ ;|\n])/g)];
    const written = [...new Set(names.map(([, name = '']) => name))];
    const { stdout } = spawnSync('git', ['check-ignore', ...written], { encoding: 'utf8' });
    t.same(stdout.trim().split('\n'), written, document);
    count += written.length;
  }
  t.ok(count > 10, `${count} files`);
});

t.test('docs/api.md has an example of every route outside the front doors', async (t) => {
  const text = await readFile('docs/api.md', 'utf8');
  const shown = new Set([...text.matchAll(/`([A-Z]+ \/[^`?]+)/g)].map(([, route]) => route));
  const { send } = await startHttpService(t, { http: { frontDoors: [] } });
  const { paths } = (await send('/docs/json')).body as { paths: Record<string, object> };
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  t.ok(routes.length > 15);
  // docs/standards.md has the examples of the OAuth routes. Redirects to the documentation need none.
  const elsewhere = /\/oauth\/|oauth-authorization-server$|\/swagger\/index\.html$/;
  const missing = routes.filter((route) => !shown.has(route) && !elsewhere.test(route));
  t.same(missing, []);
});

t.test('every file that a document names exists', async (t) => {
  const names = (await readdir('docs', { recursive: true })).filter((name) => name.endsWith('.md'));
  let count = 0;
  for (const document of [...OUTSIDE_OF_DOCS, ...names.map((name) => join('docs', name))]) {
    const text = await readFile(document, 'utf8');
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, to = '']) =>
      join(dirname(document), to),
    );
    const named = [...text.matchAll(PATH)].map(([, path = '']) => path);
    const all = [...links, ...named];
    t.same(
      all.filter((path) => !existsSync(path)),
      [],
      document,
    );
    count += all.length;
  }
  t.ok(count > 100, `${count} files`);
});

t.test('every heading that a document links to exists', async (t) => {
  const names = (await readdir('docs', { recursive: true })).filter((name) => name.endsWith('.md'));
  let count = 0;
  for (const document of [...OUTSIDE_OF_DOCS, ...names.map((name) => join('docs', name))]) {
    const text = await readFile(document, 'utf8');
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]*)#([^)\s]+)\)/g)];
    for (const [, to = '', anchor = ''] of links) {
      const target = to === '' ? document : join(dirname(document), to);
      if (!target.endsWith('.md')) continue;
      t.ok(anchorsOf(await readFile(target, 'utf8')).has(anchor), `${document}: ${to}#${anchor}`);
      count += 1;
    }
  }
  t.ok(count > 60, `${count} links`);
});

/** The anchors that GitHub gives to the headings of a document. */
function anchorsOf(text: string): Set<string> {
  const outsideOfCode = text.replace(/^```[\s\S]*?^```$/gm, '');
  const headings = [...outsideOfCode.matchAll(/^#+ +(.*)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replace(/\s/g, '-'),
    ),
  );
}

const OUTSIDE_OF_DOCS = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'client/README.md',
  'packages/verify/README.md',
  'packages/fastify/README.md',
  'packages/express/README.md',
  'packages/hono/README.md',
  'deploy/helm/README.md',
  'deploy/systemd/README.md',
  'test/README.md',
];

/** A path of the repository in backticks. */
const PATH = /`((?:client|docs|migrations|monitoring|packages|scripts|src|test)\/[\w./-]+)`/g;

/** The documents give the same answers on PostgreSQL, and the embedded database takes seconds to start. */
async function quickDatabase(t: Test): Promise<Record<string, string>> {
  return (await postgresServer()) === null ? {} : { DATABASE_URL: await testDatabase(t) };
}

/** The environment variables with which a document starts the service. */
async function environmentIn(document: string): Promise<Record<string, string>> {
  const [, variables = ''] = /^((?:[A-Z_]+=\S+ )+)npm start$/m.exec(await readFile(document, 'utf8')) ?? [];
  return Object.fromEntries([...variables.matchAll(/(\S+?)=(\S+)/g)].map(([, name, value]) => [name, value]));
}
