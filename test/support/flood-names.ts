import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'tap';
import { type RunningService, startService } from './process.ts';
import { importArguments, PROGRAM } from './program.ts';
import { encodeBody, type TextMember, textMembers } from './text-members.ts';

/**
 * Part of every name that is sent, to find names in a heap snapshot. It is in lower case, because names are normalised.
 */
export const MARKER = 'floodedname';
const AT_ONCE = 16;
/** Lengths of names: the maximum of the schema, then lengths that the rules for addresses, tasks and labels allow. */
const LENGTHS = [Number.POSITIVE_INFINITY, 254, 100, 64];
/** Names sent from one address. More would reach the limits of a network. */
const NAMES_PER_ADDRESS = 20;
const SERVICE = ['--expose-gc', ...importArguments('test/support/heap-probe.ts'), ...PROGRAM];

interface Flood {
  /** How many names are sent in each member. */
  readonly count: number;
  readonly env: Readonly<Record<string, string>>;
  /** The members, as {@link placeOf} names them. The default is each text member of each route. */
  readonly places?: readonly string[];
}

/** A member of a body, such as `POST /auth/login application/json username`. */
function placeOf({ method, path, type, name }: TextMember): string {
  return `${method} ${path} ${type} ${name}`;
}

/**
 * Sends `count` different names of the maximum length in each of several text members, in five rounds. Resolves to the
 * bytes in use after each round, and to how often a name is found in the heap at the end.
 */
export async function floodNames(t: Test, { count, env, places }: Flood) {
  const folder = t.testdir();
  const snapshot = join(folder, 'heap.heapsnapshot');
  const service = await startService(t, {
    args: SERVICE,
    env: {
      API_PORT: '0',
      DATA_DIR: folder,
      LOGIN_BY_USER_ID: 'open',
      MAIL: 'off',
      TRUST_PROXY: '127.0.0.1',
      RATE_LIMIT: '10000',
      ARGON2_MEMORY: '1024',
      HEAP_SNAPSHOT: snapshot,
      ...env,
    },
  });
  const authorization = `Bearer ${await accessToken(service.url)}`;
  const all = await textMembers(t);
  const members = places === undefined ? all : all.filter((member) => places.includes(placeOf(member)));
  if (places !== undefined && members.length !== places.length)
    throw new Error(
      `The OpenAPI document has no text member named: ${places.filter((place) => !all.map(placeOf).includes(place))}`,
    );
  const bytes: number[] = [];
  let requests = 0;
  for (let round = 0; round < 5; round += 1) {
    for (const member of members) {
      await sendNames(member, Math.ceil(count / 5));
    }
    bytes.push(await bytesInUse(service, 'SIGWINCH'));
  }
  await bytesInUse(service, 'SIGIO');
  return { bytes, requests, kept: await occurrences(snapshot, MARKER) };

  async function sendNames(member: TextMember, names: number): Promise<void> {
    const url = new URL(member.path.replace('{id}', randomUUID()), service.url);
    const next = async (): Promise<void> => {
      while (names > 0) {
        names -= 1;
        requests += 1;
        await sendName(url, member, requests, authorization);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
  }
}

async function sendName(url: URL, member: TextMember, number: number, authorization: string): Promise<void> {
  const { method, name, example } = member;
  const maxLength = Math.min(member.maxLength, LENGTHS[number % LENGTHS.length] ?? 0);
  // A form encodes this character in nine bytes. If a body exceeds the limit, the connection may close before
  // it is sent.
  const filler = number % 8 < 4 || maxLength > 4_096 ? 'x' : '\ufdfa';
  const text = `${MARKER}${number}`.padEnd(maxLength, filler).slice(0, maxLength);
  const { body, type } = encodeBody(member.type, { ...example, [name]: text });
  const response = await fetch(url, {
    method,
    body,
    redirect: 'manual',
    headers: {
      authorization,
      'x-forwarded-for': addressOf(Math.floor(number / NAMES_PER_ADDRESS)),
      ...(type !== undefined && { 'content-type': type }),
    },
  });
  await response.arrayBuffer();
}

/** An address of 10.0.0.0/8. */
function addressOf(number: number): string {
  return `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
}

async function accessToken(url: string): Promise<string> {
  const response = await fetch(new URL(`/auth/login?userId=${randomUUID()}`, url), { method: 'POST' });
  const { access: token } = (await response.json()) as { readonly access: string };
  return token;
}

async function bytesInUse(service: RunningService, signal: 'SIGWINCH' | 'SIGIO'): Promise<number> {
  const probes = () => service.logs().filter((line) => line.startsWith('{"heapProbe"'));
  const before = probes().length;
  process.kill(service.pid, signal);
  while (probes().length === before) await delay(50);
  return JSON.parse(probes().at(-1) ?? '{}').heapProbe;
}

/** How many strings of the snapshot contain the text. A string is one line of the file. */
async function occurrences(file: string, text: string): Promise<number> {
  let found = 0;
  let rest = '';
  for await (const chunk of createReadStream(file, 'utf8')) {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    found += lines.filter((line) => line.includes(text)).length;
  }
  return found;
}
