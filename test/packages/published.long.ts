import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import t from 'tap';

const run = promisify(execFile);
const PACKAGES = ['verify', 'fastify', 'express', 'hono'];

/** The folder of each package by its name, with the files of its entries. */
const PUBLISHED: Readonly<Record<string, { home: string; entries: readonly string[] }>> = {
  'kinship-client': { home: 'client', entries: ['index', 'dpop', 'cookie'] },
  ...Object.fromEntries(
    PACKAGES.map((name) => [`@kinship/${name}`, { home: `packages/${name}`, entries: ['index'] }]),
  ),
};

/** The packages contain only ES modules. A CommonJS file can `require` them with Node.js 20.19, 22.12 and later. */
const ESM_ONLY = ['CJSResolvesToESM', 'NoResolution'];

let folder = '';

/** A copy is built, because another test may be using `dist` of the checkout. */
t.before(async () => {
  folder = t.testdir();
  for (const name of ['packages', 'client', 'tsconfig.json', 'package.json'])
    await cp(name, join(folder, name), { recursive: true, filter: (path) => !path.endsWith('/dist') });
  const modules = join(folder, 'node_modules');
  await mkdir(modules);
  for (const name of await readdir('node_modules'))
    if (name !== '@kinship') await symlink(resolve('node_modules', name), join(modules, name));
  await mkdir(join(modules, '@kinship'));
  for (const name of PACKAGES) await symlink(join(folder, 'packages', name), join(modules, '@kinship', name));
  const tsc = resolve('node_modules/typescript/bin/tsc');
  const homes = Object.values(PUBLISHED).map(({ home }) => home);
  await run(process.execPath, [tsc, '--build', ...homes], { cwd: folder });
});

for (const [name, { home: place, entries }] of Object.entries(PUBLISHED)) {
  t.test(`${name} can be published`, async (t) => {
    const home = join(folder, place);
    const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts'], { cwd: home });
    const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
    const paths = files.map(({ path }) => path);
    const built = entries.flatMap((entry) => [`dist/${entry}.js`, `dist/${entry}.d.ts`]);
    for (const path of ['LICENSE', 'README.md', 'package.json', ...built]) t.ok(paths.includes(path), path);
    t.notOk(
      paths.some((path) => path.startsWith('src/') || path.includes('tsbuildinfo')),
      'no sources',
    );

    const { version, publishConfig } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8'));
    t.same(publishConfig, { access: 'public', provenance: true });
    t.equal(
      version,
      JSON.parse(await readFile('package.json', 'utf8')).version,
      'the version is that of the service',
    );

    const { messages, pkg } = await publint({ pkgDir: home, strict: true });
    t.same(
      messages.map((message) => formatMessage(message, pkg)),
      [],
    );

    const tarball = await readFile(join(home, filename));
    const analysis = await checkPackage(createPackageFromTarballData(tarball));
    const problems =
      analysis.types === false ? ['no types'] : analysis.problems.map(({ kind }) => String(kind));
    t.same(
      problems.filter((kind) => !ESM_ONLY.includes(kind)),
      [],
    );
  });
}

for (const name of PACKAGES) {
  t.test(`the first example of @kinship/${name} has at most ten lines, and compiles`, async (t) => {
    const readme = await readFile(join('packages', name, 'README.md'), 'utf8');
    const [, code = ''] = /```js\n([\s\S]*?)```/.exec(readme) ?? [];
    const lines = code
      .trim()
      .split('\n')
      .filter((line) => line !== '');
    t.ok(lines.length > 0 && lines.length <= 10, `${lines.length} lines`);
    const file = join(folder, 'packages', name, 'example.mts');
    const given = name === 'verify' ? 'declare const request: Request;\n' : '';
    await writeFile(
      file,
      `${given}${code.replaceAll('process.env.KINSHIP_KEY', "(process.env.KINSHIP_KEY ?? '')")}`,
    );
    const tsc = resolve('node_modules/typescript/bin/tsc');
    const options = [
      '--noEmit',
      '--ignoreConfig',
      '--strict',
      '--module',
      'nodenext',
      '--skipLibCheck',
      '--types',
      'node',
    ];
    const outcome = await run(process.execPath, [tsc, ...options, file], { cwd: folder }).then(
      () => '',
      ({ stdout }: { stdout: string }) => stdout,
    );
    t.equal(outcome, '');
  });

  t.test(`@kinship/${name} has short files, and uses only Web APIs`, async (t) => {
    const sources = await readdir(join('packages', name, 'src'));
    const texts = await Promise.all(
      sources.map((file) => readFile(join('packages', name, 'src', file), 'utf8')),
    );
    const longest = Math.max(...texts.map((text) => text.split('\n').length));
    t.ok(longest < 200, `${longest} lines`);
    if (name !== 'verify')
      t.ok(texts.join('\n').split('\n').length < 150, 'a package for a framework has fewer than 150 lines');
    t.notMatch(texts.join('\n'), /from 'node:|\bBuffer\b|\bprocess\./, 'Web APIs only');
  });
}
