import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import {
  type ClientOptions,
  createClient,
  type SessionClient,
  type TokenPair,
} from '../../../client/src/index.ts';
import { claimsOf } from '../../support/forge.ts';
import type { HttpService } from '../../support/http.ts';

/** Logs in a new user by its id, as a backend does. Returns the pair. */
export async function logInNewUser({ post }: HttpService): Promise<TokenPair> {
  const { body } = await post(`/auth/login?userId=${randomUUID()}`);
  return { access: String(body.access), refresh: String(body.refresh), expiresIn: Number(body.expiresIn) };
}

export function startClient(t: Pick<Test, 'teardown'>, options: ClientOptions): SessionClient {
  const client = createClient(options);
  t.teardown(client.close);
  return client;
}

/** A client that continues a session of a new user. */
export async function startSignedIn(
  t: Pick<Test, 'teardown'>,
  service: HttpService,
  options: Partial<ClientOptions> = {},
) {
  const signedOut: (string | null)[] = [];
  const onSignedOut = (code: string | null) => void signedOut.push(code);
  const client = startClient(t, { url: service.url, onSignedOut, ...options });
  const pair = await logInNewUser(service);
  await client.adopt(pair);
  /** `signedOut` has the codes with which `onSignedOut` was called. */
  return { client, pair, signedOut };
}

/** How many requests to the route were answered with that status. */
export function countAnswers({ lines }: HttpService, route: string, status = 200): number {
  return lines.filter((line) => line.includes(`"route":"${route}"`) && line.includes(`"status":${status}`))
    .length;
}

/** The session of a pair: its generation, and why it has ended if it has. */
export async function sessionOf({ families }: HttpService, { refresh }: TokenPair) {
  const family = await families.find(String(claimsOf(refresh).tokenFamily));
  if (family === null) throw new Error('no such session');
  return { generation: family.generation, ended: family.revoked?.reason ?? null };
}

/** A storage that several clients may share, with its entries. */
export function sharedStorage() {
  const items = new Map<string, string>();
  return {
    items,
    getItem: async (name: string) => items.get(name) ?? null,
    setItem: async (name: string, value: string) => void items.set(name, value),
    removeItem: async (name: string) => void items.delete(name),
  };
}

/** The generations of which two different tokens arrived. */
export function findForks(reports: readonly { readonly what: string; readonly detail: unknown }[]): number[] {
  const seen = new Map<number, string>();
  const twice: number[] = [];
  for (const { detail } of reports.filter(({ what }) => what === 'pair')) {
    const { refresh } = detail as TokenPair;
    const generation = Number(claimsOf(refresh).generation);
    if ((seen.get(generation) ?? refresh) !== refresh) twice.push(generation);
    seen.set(generation, refresh);
  }
  return twice;
}

/** Whether the bytes contain a whole refresh request: its JSON body is complete. */
export function isRefresh(bytes: Buffer): boolean {
  return bytes.includes('POST /auth/refresh') && bytes.at(-1) === 0x7d;
}
