import { createArgon2id } from '../../../src/adapters/argon2/argon2id.ts';
import { createFairQueue } from '../../../src/adapters/argon2/fair-queue.ts';
import type { Sql } from '../../../src/adapters/postgres/connect.ts';
import { createTokenFamilies } from '../../../src/adapters/postgres/token-families.ts';
import { createTokenSecrets } from '../../../src/adapters/secrets/token-secrets.ts';
import { readConfig } from '../../../src/config.ts';
import type { TokenFamily } from '../../../src/domain/token-family.ts';
import { claimsOf } from '../../support/forge.ts';
import { type Attempt, type Client, generationOf } from './client.ts';
import type { Environment } from './service.ts';

/**
 * Compares clients with the database, after all their requests were answered. Returns one line for each fault.
 *
 * The session must be live and belong to its user. Its current token must be the token that the client holds.
 * Every answer to one token must carry the same successor.
 */
export async function faultsIn(clients: readonly Client[], sql: Sql, env: Environment): Promise<string[]> {
  const families = createTokenFamilies(sql, { sessionsPerUser: 50 });
  const hashOf = await hasher(env);
  const faults = await Promise.all(
    clients.map(async (client) => {
      const row = await families.find(client.tokenFamily);
      const found = row === null ? ['the session is gone'] : [...faultsOfRow(client, row)];
      if (row !== null && row.hashedRefreshTokenId !== (await hashOf(client, row.scheme))) {
        found.push('the token that the client holds is not the current one');
      }
      return [...found, ...faultsOfHistory(client.history)].map((fault) => `${client.tokenFamily}: ${fault}`);
    }),
  );
  return faults.flat();
}

function* faultsOfRow(client: Client, row: TokenFamily): Generator<string> {
  const refusal = client.logoutReason();
  if (refusal !== null) yield `logged out: ${refusal}`;
  if (row.revoked !== null) yield `revoked: ${row.revoked.reason}`;
  if (row.userId !== client.userId) yield 'belongs to another user';
  if (row.generation !== client.generation()) {
    yield `is at generation ${row.generation}, the client at ${client.generation()}`;
  }
}

/**
 * Each generation must have one successor: the same bytes in every answer, and the next generation number.
 */
function* faultsOfHistory(history: readonly Attempt[]): Generator<string> {
  const successors = new Map<number, string>();
  for (const attempt of history) {
    if (attempt.outcome === 'refused') yield `refused at generation ${attempt.generation}: ${attempt.why}`;
    if (attempt.outcome !== 'ok') continue;
    const { generation, pair } = attempt;
    const successor = JSON.stringify(pair);
    if ((successors.get(generation) ?? successor) !== successor) yield `two successors of ${generation}`;
    successors.set(generation, successor);
    if (generationOf(pair) !== generation + 1) yield `${generation} was followed by ${generationOf(pair)}`;
  }
}

/**
 * Counts lost changes while requests are unanswered. The database must hold every acknowledged rotation, and at most
 * one more rotation, which the client has requested.
 *
 * - `lost`: sessions that violate this.
 * - `inDoubt`: clients that wait for an answer.
 * - `committed`: sessions that are one rotation ahead of their client.
 */
export async function lossesIn(clients: readonly Client[], sql: Sql) {
  const held = clients.map((client) => ({
    client,
    generation: client.generation(),
    inDoubt: client.isInDoubt(),
  }));
  const rows = await sql<{ id: string; generation: number }[]>`
    select token_family as id, generation from token_families
    where token_family in ${sql(clients.map(({ tokenFamily }) => tokenFamily))}`;
  const stored = new Map(rows.map(({ id, generation }) => [id, generation]));
  const ahead = held.map(({ client, generation, inDoubt }) => ({
    by: (stored.get(client.tokenFamily) ?? Number.NaN) - generation,
    inDoubt,
  }));
  return {
    lost: ahead.filter(({ by, inDoubt }) => !(by === 0 || (by === 1 && inDoubt))).length,
    inDoubt: ahead.filter(({ inDoubt }) => inDoubt).length,
    committed: ahead.filter(({ by }) => by === 1).length,
  };
}

async function hasher(env: Environment) {
  const { tokens, argon2 } = await readConfig({ ...env });
  const secrets = createTokenSecrets({
    keys: tokens.hashKeys,
    hasher: tokens.jtiHash,
    argon2Cost: argon2,
    argon2id: createArgon2id(createFairQueue({ maxRunning: 1, maxWaiting: 1 })),
  });
  return (client: Client, scheme: string) =>
    secrets.hashJti(scheme, client.tokenFamily, String(claimsOf(client.pair().refresh).jti));
}
