import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import fastifyEnv from '@fastify/env';
import type { Static } from '@sinclair/typebox';
import fastify from 'fastify';
import { isOneTypoApart } from '../lib/typo.ts';
import { parseDotEnv } from './dot-env.ts';
import { Environment, PORTS, SECRETS } from './schema.ts';
import { fileFault, isText, type MessageCollector, quote } from './values.ts';

type SecretName = (typeof SECRETS)[number];

/** The form of service links of Kubernetes, and of legacy links of Docker. */
const SERVICE_LINK = /^\s*(tcp|udp|sctp):\/\//;

/** All variables as text. An unset variable has its default. */
export type Variables = Static<typeof Environment>;

/**
 * Reads the variables: the environment overrides `.env`, and `.env` overrides the defaults. A blank variable counts as
 * unset, but still overrides its line in `.env`. A secret may be given as a file, by `NAME_FILE` or in `SECRETS_DIR`. A
 * file that is empty, unreadable or not text in UTF-8 is a fault. A secret that is set both as a variable and as a file
 * is a fault, too. A file that `SECRETS_DIR` lacks is no fault.
 */
export async function readEnvironment(
  env: NodeJS.ProcessEnv,
  cwd: string,
  faults: string[],
  warnings: MessageCollector,
): Promise<Variables> {
  const own = withoutServiceLinks(env, warnings);
  const dotEnv = readDotEnv(resolve(cwd, '.env'), faults, warnings);
  const merged = withoutBlanks({ ...dotEnv, ...own });
  const data = { ...merged, ...readSecretFiles(merged, cwd, faults) };
  const reader = fastify();
  await reader.register(fastifyEnv, { schema: Environment, data, env: false, dotenv: false });
  return reader.getEnvs<Variables>();
}

/**
 * Kubernetes sets variables in each pod for every service of the namespace. A service named `smtp` causes
 * `SMTP_PORT=tcp://10.0.0.1:25`. No operator wrote such a variable, so it does not override `.env` either.
 */
function withoutServiceLinks(env: NodeJS.ProcessEnv, warnings: MessageCollector): NodeJS.Dict<string> {
  const links = PORTS.filter((name) => SERVICE_LINK.test(env[name] ?? ''));
  for (const name of links) {
    const cause = 'It is a service link of Kubernetes: set enableServiceLinks: false in the pod.';
    warnings.add(`${name} is ${quote(env[name] ?? '')} and counts as unset. ${cause}`);
  }
  const own = Object.entries(env).filter(([name]) => !links.some((link) => link === name));
  return Object.fromEntries(own);
}

function readDotEnv(path: string, faults: string[], warnings: MessageCollector): NodeJS.Dict<string> {
  const { text = '', reason } = readText(path);
  if (reason !== undefined && reason !== 'ENOENT') faults.push(unreadableFault('.env', path, reason));
  const variables = parseDotEnv(text, warnings);
  warnOfTypos(Object.keys(variables), warnings);
  return variables;
}

const KNOWN: readonly string[] = [
  ...Object.keys(Environment.properties),
  ...SECRETS.map((name) => `${name}_FILE`),
  'SECRETS_DIR',
];

/** Other unknown names are for other programs, such as compose. */
function warnOfTypos(names: readonly string[], warnings: MessageCollector): void {
  for (const name of names) {
    const meant = KNOWN.includes(name) ? undefined : KNOWN.find((other) => isOneTypoApart(name, other));
    if (meant !== undefined) warnings.add(`${name} in .env has no effect: the variable is ${meant}.`);
  }
}

function withoutBlanks(env: NodeJS.Dict<string>): Record<string, string> {
  const entries = Object.entries(env).map(([name, value = '']) => [name, value.trim()] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== ''));
}

function readSecretFiles(env: Record<string, string>, cwd: string, faults: string[]): Record<string, string> {
  const folder = readSecretsDir(env, cwd, faults);
  const found: Record<string, string> = {};
  for (const name of SECRETS) {
    const named = env[`${name}_FILE`];
    const secret =
      named === undefined
        ? readFromFolder(folder, name, faults)
        : checkSecret(`${name}_FILE`, shownPath(named, cwd), readSecretFile(resolve(cwd, named)), faults);
    if (secret === undefined) continue;
    const source = named === undefined ? `its file in SECRETS_DIR` : `${name}_FILE`;
    if (env[name] !== undefined) faults.push(`${name} and ${source} are both set: set one of them.`);
    found[name] = secret;
  }
  return found;
}

/** Absolute path of the folder that holds one file for each secret, or null. */
function readSecretsDir(
  { SECRETS_DIR }: Record<string, string>,
  cwd: string,
  faults: string[],
): string | null {
  if (SECRETS_DIR === undefined) return null;
  const folder = resolve(cwd, SECRETS_DIR);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return folder;
  faults.push(`SECRETS_DIR is ${quote(SECRETS_DIR)}, but must be a folder.`);
  return null;
}

function readFromFolder(folder: string | null, name: SecretName, faults: string[]): string | undefined {
  if (folder === null) return undefined;
  const path = join(folder, name.toLowerCase());
  const content = readSecretFile(path);
  if (content.reason === 'ENOENT') return undefined;
  return checkSecret(`${name} in SECRETS_DIR`, path, content, faults);
}

function checkSecret(
  where: string,
  path: string,
  { text, reason }: Content,
  faults: string[],
): string | undefined {
  if (text === undefined) faults.push(unreadableFault(where, path, reason));
  else if (text === '')
    faults.push(`${where} is ${quote(path)}, an empty file, but must be a file with a secret.`);
  else return text;
  return undefined;
}

/**
 * The value of `NAME_FILE` for a message. An operator may have put the secret itself there, so only a path whose folder
 * exists is shown.
 */
function shownPath(named: string, cwd: string): string {
  const folder = dirname(named);
  const isPath =
    !['.', '/'].includes(folder) && statSync(resolve(cwd, folder), { throwIfNoEntry: false })?.isDirectory();
  return isPath ? named : '(not shown)';
}

/**
 * Refuses a file that is not text, because decoding replaces each invalid byte with U+FFFD. A binary key would lose
 * half of its bits, and a password would become another one.
 */
function readSecretFile(path: string): Content {
  const content = readText(path);
  if (content.text === undefined) return content;
  return isText(content.text) ? { text: content.text.trim() } : { reason: 'not text in UTF-8' };
}

interface Content {
  readonly text?: string;
  readonly reason?: string;
}

function readText(path: string): Content {
  try {
    return { text: readFileSync(path, 'utf8') };
  } catch (error) {
    return { reason: fileFault(error) };
  }
}

function unreadableFault(name: string, path: string, reason = ''): string {
  return `${name} is ${quote(path)} (${reason}), but must be a readable file.`;
}
