import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Scenario, Scenarios, Target } from '../../load/scenario.ts';
import { logIn, type Pair, refresh } from './client.ts';

/** A client's sessions, which it refreshes in turn. */
interface Sessions {
  readonly pairs: Pair[];
  at: number;
}

/** Each client has many sessions. Their pairs are stored in files under `target.folder` between rounds. */
const refreshInTurn: Scenario<Sessions> = {
  begin: async (target, client) => ({ pairs: readPairs(target, client), at: 0 }),
  ask: ({ pairs, at }) => refresh.ask(pairs[at]!),
  take(answer, sessions) {
    sessions.pairs[sessions.at] = refresh.take(answer, sessions.pairs[sessions.at]!);
    sessions.at = (sessions.at + 1) % sessions.pairs.length;
    return sessions;
  },
  leave: (target, client, { pairs }) => writePairs(target, client, pairs),
};

export const scenarios: Scenarios = { refresh: refreshInTurn };

/** Gives each client some more sessions. */
export async function addSessions(target: Target, clients: number, more: number): Promise<void> {
  const ofEach = Array.from({ length: clients }, async (_, client) => {
    const pairs = readPairs(target, client);
    for (let session = 0; session < more; session += 1) pairs.push(await logIn(target));
    writePairs(target, client, pairs);
  });
  await Promise.all(ofEach);
}

function readPairs(target: Target, client: number): Pair[] {
  try {
    return JSON.parse(readFileSync(fileOf(target, client), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function writePairs(target: Target, client: number, pairs: readonly Pair[]): void {
  writeFileSync(fileOf(target, client), JSON.stringify(pairs));
}

function fileOf({ folder = '' }: Target, client: number): string {
  return join(folder, `${client}.json`);
}
