import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import fastifyEnv from '@fastify/env';
import type { Static } from '@sinclair/typebox';
import fastify from 'fastify';
import { Environment, PORTS, SECRETS } from './schema.ts';
import { type Faults, reasonOf, shown } from './values.ts';

/** Docker's legacy links have the same form. */
const SERVICE_LINK = /^\s*(tcp|udp|sctp):\/\//;

/** The variables as text; whether one was given can be told by `given`. */
export type Variables = Static<typeof Environment>;

/**
 * Reads the environment over `.env` over defaults. Blank means unset, also where it hides a line of `.env`. A secret
 * may be given as a file; a file that is empty or cannot be read, and a secret given both ways, is a fault.
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
 * Kubernetes describes each service of a namespace in variables of its pods. A service named `smtp` makes
 * `SMTP_PORT=tcp://10.0.0.1:25`, which no operator has written: it hides no line of `.env` either.
 */
function withoutServiceLinks(env: NodeJS.ProcessEnv, warnings: Faults): NodeJS.Dict<string> {
  const links = PORTS.filter((name) => SERVICE_LINK.test(env[name] ?? ''));
  for (const name of links) {
    const cause = 'It is a service link of Kubernetes: set enableServiceLinks: false in the pod.';
    warnings.add(`${name} got ${shown(env[name] ?? '')} and is taken as unset. ${cause}`);
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
      faults.push(`${name}_FILE got ${shown(path)} (empty) and wants a file with a secret.`);
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
  return `${name} got ${shown(path)} (${reason}) and wants a file that can be read.`;
}
