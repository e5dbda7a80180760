import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';

const yaml = async <T>(file: string) => parse(await readFile(file, 'utf8')) as T;
const json = async <T>(file: string) => JSON.parse(await readFile(file, 'utf8')) as T;

interface Package {
  readonly engines: { readonly node: string };
  readonly scripts: Readonly<Record<string, string>>;
  readonly files: readonly string[];
}

interface Workflow {
  readonly jobs: Readonly<
    Record<
      'test' | 'image',
      { strategy?: { matrix: { node: number[] } }; container?: { image: string }; steps: { run?: string }[] }
    >
  >;
}

t.test('the workflow runs .ci/run on each supported line of Node.js, and builds the image', async (t) => {
  const { jobs } = await yaml<Workflow>('.github/workflows/ci.yml');
  const lines = jobs.test.strategy?.matrix.node ?? [];
  const { engines } = await json<Package>('package.json');
  const oldest = [...engines.node.matchAll(/[\^=](\d+)\./g)].map(([, major]) => Number(major));
  t.same(oldest, [20, 22]);
  for (const major of oldest) t.ok(lines.includes(major), `Node.js ${major}`);
  t.ok(lines.includes(Number(await readFile('.nvmrc', 'utf8'))), '.nvmrc');
  const dockerfile = await readFile('Dockerfile', 'utf8');
  const images = [...dockerfile.matchAll(/^FROM node:(\d+)-(\w+)/gm)].map(([, major, debian]) => ({
    major: Number(major),
    debian,
  }));
  t.ok(images.length > 0);
  for (const { major, debian } of images) {
    t.ok(lines.includes(major), `node:${major}`);
    t.match(jobs.test.container?.image, new RegExp(`-${debian}$`), 'the Debian of the image');
  }
  t.ok(jobs.test.steps.some(({ run }) => run === '.ci/run'));
  const builds = jobs.image.steps.flatMap(
    ({ run = '' }) => /^docker build --target (\w+)/.exec(run)?.[1] ?? [],
  );
  t.same(builds, ['prod']);
  for (const target of builds) t.match(dockerfile, new RegExp(` AS ${target}$`, 'm'));
});

t.test('Dependabot updates every package, the image and the workflow', async (t) => {
  const { updates } = await yaml<{ updates: { 'package-ecosystem': string; directory: string }[] }>(
    '.github/dependabot.yml',
  );
  const files: Record<string, string> = {
    npm: 'package-lock.json',
    docker: 'Dockerfile',
    'github-actions': '.github/workflows',
  };
  for (const { directory, 'package-ecosystem': kind } of updates)
    t.ok(existsSync(join('.', directory, files[kind] ?? '-')), `${kind} in ${directory}`);
  const watched = updates.filter((update) => update['package-ecosystem'] === 'npm');
  t.same(watched.map(({ directory }) => directory).sort(), ['/', '/bench']);
  const kinds = new Set(updates.map((update) => update['package-ecosystem']));
  t.same([...kinds].sort(), Object.keys(files).sort());
});

t.test('the issue forms have a title, and fields with unique ids', async (t) => {
  const folder = '.github/ISSUE_TEMPLATE';
  const names = (await readdir(folder)).filter((name) => name !== 'config.yml');
  t.same(names.sort(), ['bug_report.yml', 'feature_request.yml']);
  for (const name of names) {
    const form = await yaml<{ name: string; description: string; body: Field[] }>(join(folder, name));
    t.ok(form.name && form.description, name);
    for (const { type } of form.body) t.match(type, /^(markdown|textarea|input|dropdown|checkboxes)$/);
    const fields = form.body.filter(({ type }) => type !== 'markdown');
    t.equal(new Set(fields.map(({ id }) => id)).size, fields.length, name);
    for (const { attributes } of fields) t.ok(attributes.label, name);
  }
});

interface Field {
  readonly type: string;
  readonly id?: string;
  readonly attributes: { readonly label?: string };
}

t.test('the documents name existing npm scripts only', async (t) => {
  const { scripts } = await json<Package>('package.json');
  const docs = (await readdir('docs', { recursive: true })).filter((name) => name.endsWith('.md'));
  const documents = [
    'README.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    ...docs.map((name) => join('docs', name)),
  ];
  let count = 0;
  for (const document of documents) {
    const named = [...(await readFile(document, 'utf8')).matchAll(/\bnpm run ([\w:-]+)/g)];
    for (const [, script = ''] of named) t.ok(script in scripts, `${document}: npm run ${script}`);
    count += named.length;
  }
  t.ok(count > 20);
});

t.test('each published package has its readme and licence', async (t) => {
  const folders = ['client', ...(await readdir('packages')).map((name) => join('packages', name))];
  t.equal(folders.length, 5);
  for (const folder of folders) {
    const { files } = await json<Package>(join(folder, 'package.json'));
    for (const name of ['README.md', 'LICENSE']) {
      t.ok(files.includes(name), `${folder} publishes ${name}`);
      t.ok(existsSync(join(folder, name)), `${folder}/${name}`);
    }
    t.equal(await readFile(join(folder, 'LICENSE'), 'utf8'), await readFile('LICENSE', 'utf8'), folder);
  }
});

t.test('the changelog has the sections of Keep a Changelog, each once in a release', async (t) => {
  const [, ...releases] = (await readFile('CHANGELOG.md', 'utf8')).split(/^## /m);
  t.match(releases[0], /^Unreleased$/m);
  for (const release of releases) {
    const sections = [...release.matchAll(/^### (.*)$/gm)].map(([, name = '']) => name);
    t.equal(new Set(sections).size, sections.length, sections.join(', '));
    for (const name of sections) t.match(name, /^(Added|Changed|Deprecated|Removed|Fixed|Security)$/);
  }
});

t.test('.editorconfig agrees with the formatter', async (t) => {
  const text = await readFile('.editorconfig', 'utf8');
  const { formatter } = await json<{ formatter: { indentWidth: number; lineWidth: number } }>('biome.json');
  t.match(text, `indent_size = ${formatter.indentWidth}`);
  t.match(text, `max_line_length = ${formatter.lineWidth}`);
  for (const name of ['CONTRIBUTING.md', 'SECURITY.md', '.github/workflows/ci.yml', '.editorconfig']) {
    const lines = (await readFile(name, 'utf8')).split('\n');
    t.equal(lines.at(-1), '', `${name} ends with a line break`);
    t.notOk(
      lines.some((line) => /\s$/.test(line)),
      `${name} has no space at the end of a line`,
    );
  }
});
