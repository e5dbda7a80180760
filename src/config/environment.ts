import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import fastifyEnv from '@fastify/env';
import type { Static } from '@sinclair/typebox';
import fastify from 'fastify';
import { Environment, PORTS, SECRETS } from './schema.ts';
import { type Faults, quote, reasonOf } from './values.ts';

/** The form of service links of Kubernetes, and of legacy links of Docker. */
const SERVICE_LINK = /^\s*(tcp|udp|sctp):\/\//;

/** All variables as text. An unset variable has its default. */
export type Variables = Static<typeof Environment>;

/**
 * Reads the variables: the environment overrides `.env`, and `.env` overrides the defaults. A blank variable counts as
 * unset, but still overrides its line in `.env`. `NAME_FILE` may name a file that holds a secret. An empty or
 * unreadable file is a fault, as is a secret that is set both ways.
 */
export async function readEnvironment(
  env: NodeJS.ProcessEnv,
  cwd: string,
  faults: string[],
  warnings: Faults,
): Promise<Variables> {
  const own = withoutServiceLinks(env, warnings);
  const merged = withoutBlanks({ ...readDotEnv(resolve(cwd, '.env'), faults), ...own });
  const data = { ...merged, ...readSecretFiles(merged, cwd, faults) };
  const reader = fastify();
  await reader.register(fastifyEnv, { schema: Environment, data, env: false, dotenv: false });
  return reader.getEnvs<Variables>();
}

/**
 * Kubernetes sets variables in each pod for every service of the namespace. A service named `smtp` causes
 * `SMTP_PORT=tcp://10.0.0.1:25`. No operator wrote such a variable, so it does not override `.env` either.
 */
function withoutServiceLinks(env: NodeJS.ProcessEnv, warnings: Faults): NodeJS.Dict<string> {
  const links = PORTS.filter((name) => SERVICE_LINK.test(env[name] ?? ''));
  for (const name of links) {
    const cause = 'It is a service link of Kubernetes: set enableServiceLinks: false in the pod.';
    warnings.add(`${name} got ${quote(env[name] ?? '')} and counts as unset. ${cause}`);
  }
  const own = Object.entries(env).filter(([name]) => !links.some((link) => link === name));
  return Object.fromEntries(own);
}

function readDotEnv(path: string, faults: string[]): NodeJS.Dict<string> {
  const { text, reason } = readText(path);
  if (text === undefined && reason !== 'ENOENT') faults.push(unreadable('.env', path, reason));
  return parseEnv(text ?? '');
}

function withoutBlanks(env: NodeJS.Dict<string>): Record<string, string> {
  const entries = Object.entries(env).map(([name, value = '']) => [name, value.trim()] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== ''));
}

function readSecretFiles(env: Record<string, string>, cwd: string, faults: string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of SECRETS) {
    const path = env[`${name}_FILE`];
    if (path === undefined) continue;
    if (env[name] !== undefined) faults.push(`${name} and ${name}_FILE are both set: set one of them.`);
    const { text, reason } = readText(resolve(cwd, path));
    if (text === undefined) faults.push(unreadable(`${name}_FILE`, path, reason));
    else if (text === '')
      faults.push(`${name}_FILE got ${quote(path)} (empty) and wants a file with a secret.`);
    else found[name] = text;
  }
  return found;
}

function readText(path: string): { text?: string; reason?: string } {
  try {
    return { text: readFileSync(path, 'utf8').trim() };
  } catch (error) {
    return { reason: reasonOf(error) };
  }
}

function unreadable(name: string, path: string, reason = ''): string {
  return `${name} got ${quote(path)} (${reason}) and wants a readable file.`;
}
