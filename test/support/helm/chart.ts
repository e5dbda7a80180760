import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { parse, parseAllDocuments } from 'yaml';
import { skipFor } from '../skip.ts';

export const CHART = 'deploy/helm/kinship';

/** Where Debian puts the sources of Go libraries. */
const LIBRARIES = '/usr/share/gocode';

export type Values = Readonly<Record<string, unknown>>;

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  // Members differ by kind, and each test reads manifests of a kind that it names.
  // biome-ignore lint/suspicious/noExplicitAny: the schemas of Kubernetes check it
  readonly [member: string]: any;
}

/** Returns whether Go and sprig are installed. If not, skips the test, or fails it with CI=true. */
export function requireGo(t: Pick<Test, 'plan'>): boolean {
  const isThere =
    spawnSync('go', ['version']).status === 0 && existsSync(`${LIBRARIES}/src/github.com/Masterminds/sprig`);
  if (!isThere) skipFor(t, 'Go with the library sprig');
  return isThere;
}

export async function defaultValues(): Promise<Values> {
  return parse(await readFile(join(CHART, 'values.yaml'), 'utf8'));
}

/** Merges values as Helm does: objects member by member. Null removes a member, and any other value replaces it. */
export function mergedValues(base: Values, over: Values): Values {
  const result: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(over)) {
    if (value === null) delete result[name];
    else result[name] = isObject(value) && isObject(base[name]) ? mergedValues(base[name], value) : value;
  }
  return result;
}

function isObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Renders each template to text. If one fails, throws the error message of the renderer. */
export async function renderedFiles(over: Values, release = 'kinship'): Promise<Record<string, string>> {
  const names = await readdir(join(CHART, 'templates'));
  const texts = await Promise.all(names.map((name) => readFile(join(CHART, 'templates', name), 'utf8')));
  const { name, version, appVersion } = parse(await readFile(join(CHART, 'Chart.yaml'), 'utf8'));
  const data = {
    Values: mergedValues(await defaultValues(), over),
    Release: { Name: release, Namespace: 'default', Service: 'Helm' },
    Chart: { Name: name, Version: version, AppVersion: appVersion },
  };
  const files = Object.fromEntries(names.map((file, index) => [file, texts[index]]));
  const input = JSON.stringify({ files, data });
  const { status, stdout, stderr } = spawnSync(renderer(), { input, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Record<string, string>;
}

let program: string | undefined;

/** The program that renders, compiled once by each process. */
function renderer(): string {
  program ??= compiledTemplate();
  return program;
}

function compiledTemplate(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kinship-helm-'));
  process.once('exit', () => rmSync(folder, { recursive: true }));
  const output = join(folder, 'render');
  const env = {
    ...process.env,
    GO111MODULE: 'off',
    GOPATH: LIBRARIES,
    GOCACHE: join(tmpdir(), 'kinship-go-cache'),
  };
  const source = 'test/support/helm/render.go';
  const { status, stderr } = spawnSync('go', ['build', '-o', output, source], { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return output;
}

/** Every manifest that the chart makes of these values. */
export async function manifests(over: Values, release?: string): Promise<readonly Manifest[]> {
  const files = Object.entries(await renderedFiles(over, release)).filter(([name]) => name.endsWith('.yaml'));
  return files.flatMap(([name, text]) =>
    parseAllDocuments(text, { version: '1.1' }).flatMap((document) => {
      if ('errors' in document && document.errors.length > 0)
        throw new Error(`${name}: ${document.errors[0]}`);
      const manifest = document.toJS() as Manifest | null;
      return manifest === null ? [] : [manifest];
    }),
  );
}
