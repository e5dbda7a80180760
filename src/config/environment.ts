import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import fastifyEnv from '@fastify/env';
import type { Static } from '@sinclair/typebox';
import fastify from 'fastify';
import { Environment, SECRETS } from './schema.ts';

/** The variables as text; whether one was given can be told by `given`. */
export type Variables = Static<typeof Environment>;

/**
 * Reads the environment over `.env` over defaults. Blank means unset. A secret may be given as a file; a file that
 * cannot be read, and a secret given both ways, is a fault.
 */
export async function readEnvironment(
  env: NodeJS.ProcessEnv,
  cwd: string,
  faults: string[],
): Promise<Variables> {
  const merged = { ...readDotEnv(join(cwd, '.env')), ...withoutBlanks(env) };
  const data = { ...merged, ...readSecretFiles(merged, faults) };
  const reader = fastify();
  await reader.register(fastifyEnv, { schema: Environment, data, env: false, dotenv: false });
  return reader.getEnvs<Variables>();
}

function readDotEnv(path: string): Record<string, string> {
  return existsSync(path) ? withoutBlanks(parseEnv(readFileSync(path, 'utf8'))) : {};
}

function withoutBlanks(env: NodeJS.Dict<string>): Record<string, string> {
  const entries = Object.entries(env).map(([name, value = '']) => [name, value.trim()] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== ''));
}

function readSecretFiles(env: Record<string, string>, faults: string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of SECRETS) {
    const path = env[`${name}_FILE`];
    if (path === undefined) continue;
    if (env[name] !== undefined) faults.push(`${name} and ${name}_FILE are both set: set one of them.`);
    try {
      found[name] = readFileSync(path, 'utf8').trim();
    } catch (error) {
      const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
      faults.push(`${name}_FILE got "${path}" (${reason}) and wants a file that can be read.`);
    }
  }
  return found;
}
