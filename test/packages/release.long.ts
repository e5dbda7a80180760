import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { npmRegistry } from '../support/npm-registry.ts';

const TOKEN = 'a-token-of-npm';
const NAMES = ['kinship-client', '@kinship/verify', '@kinship/fastify', '@kinship/express', '@kinship/hono'];
const REPOSITORY = 'example/fork';

interface Step {
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The only command of the workflow that contains the word. */
async function commandWith(word: string): Promise<string> {
  const workflow = parse(await readFile('.github/workflows/release.yml', 'utf8'));
  const steps: Step[] = workflow.jobs.publish.steps;
  const found = steps.filter(({ run }) => run?.includes(word));
  const [command] = found;
  if (found.length !== 1 || command?.run === undefined) throw new Error(`${found.length} steps with ${word}`);
  return command.run;
}

/** A copy of the packages and of the scripts that publish them, and a registry. */
async function prepareRelease(t: Test) {
  const folder = t.testdir();
  const registry = await npmRegistry(t, TOKEN);
  for (const name of ['client', 'packages', 'scripts'])
    await cp(name, join(folder, name), {
      recursive: true,
      filter: (path) => !['node_modules', 'src'].includes(basename(path)),
    });
  const { version } = JSON.parse(await readFile('package.json', 'utf8'));

  /** Runs a command of the workflow as GitHub does. Resolves with its exit code and its output. */
  async function run(command: string, tag = `v${version}`) {
    const child = spawn('bash', ['-e', '-c', command], {
      cwd: folder,
      env: {
        PATH: process.env.PATH,
        HOME: folder,
        npm_config_registry: registry.url,
        npm_config_cache: join(folder, '.npm'),
        npm_config_fetch_retries: '0',
        GITHUB_REPOSITORY: REPOSITORY,
        GITHUB_REF_NAME: tag,
        NODE_AUTH_TOKEN: TOKEN,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const closed = once(child, 'close');
    const outputs = await Promise.all([text(child.stdout), text(child.stderr)]);
    const [code] = await closed;
    return { code: code as number, output: outputs.join('\n') };
  }

  // Provenance works only on machines of GitHub.
  const publish = async (tag?: string) => run(`${await commandWith('publish.sh')} --provenance=false`, tag);
  return { folder, registry, version: String(version), run, publish };
}

const manifestOf = async (folder: string, home: string) =>
  JSON.parse(await readFile(join(folder, home, 'package.json'), 'utf8'));

t.test('the workflow publishes each package once', async (t) => {
  const { folder, registry, version, run, publish } = await prepareRelease(t);
  t.match(await run(await commandWith('name-repository.sh')), { code: 0 });
  t.match(await run(await commandWith('_authToken')), { code: 0 });
  t.notMatch(await readFile(join(folder, '.npmrc'), 'utf8'), TOKEN, 'the token stays in the environment');

  const first = await publish();
  t.equal(first.code, 0, first.output);
  t.same(registry.sent, NAMES, 'the package verify is published before the packages that depend on it');
  for (const name of NAMES) {
    const document = registry.documents.get(name);
    const home = name === 'kinship-client' ? 'client' : name.replace('@kinship', 'packages');
    const repository = { type: 'git', url: `git+https://github.com/${REPOSITORY}.git`, directory: home };
    t.match(document?.versions[version], { name, version, repository }, name);
    t.same(document?.['dist-tags'], { latest: version });
    t.same(Object.keys(document?._attachments ?? {}).length, 1, 'with its files');
  }
  t.same(registry.documents.get('@kinship/hono')?.versions[version]?.dependencies, {
    '@kinship/verify': version,
  });

  const again = await publish();
  t.equal(again.code, 0, again.output);
  for (const name of NAMES) t.match(again.output, `${name}@${version} is published already`);
  t.equal(registry.sent.length, NAMES.length, 'nothing is sent twice');
});

t.test('a repeated run after a failure publishes only the missing packages', async (t) => {
  const { registry, run, publish } = await prepareRelease(t);
  await run(await commandWith('_authToken'));
  registry.refused.add('@kinship/fastify');
  t.not((await publish()).code, 0);
  t.same(registry.sent, NAMES.slice(0, 3), 'the run ends at the first failure');
  registry.refused.clear();
  t.equal((await publish()).code, 0);
  t.same(registry.sent.slice(3), NAMES.slice(2));
});

t.test('without a token nothing is published, and the run fails', async (t) => {
  const { registry, publish } = await prepareRelease(t);
  t.not((await publish()).code, 0);
  t.equal(registry.documents.size, 0);
});

t.test('a tag that is not the version of every package publishes nothing', async (t) => {
  const { folder, registry, version, run, publish } = await prepareRelease(t);
  await run(await commandWith('_authToken'));
  t.match(await publish('v9.9.9'), { code: 1, output: /has version .*, not 9\.9\.9/ });
  const last = await manifestOf(folder, 'packages/hono');
  await writeFile(join(folder, 'packages/hono/package.json'), JSON.stringify({ ...last, version: '9.9.9' }));
  t.match(await publish(), { code: 1, output: `packages/hono has version 9.9.9, not ${version}` });
  t.same(registry.sent, []);
});
