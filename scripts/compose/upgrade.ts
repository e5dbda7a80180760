import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { copyOfCommit, withCompose, writeDotEnv } from './docker.ts';
import { say } from './progress.ts';
import {
  checkReplay,
  ENV,
  logIn,
  PASSWORD,
  type Pair,
  pairOf,
  readServiceKey,
  refresh,
  register,
  send,
} from './service.ts';

const COMPOSE = ['-f', 'compose.prod.yml'];

/**
 * Starts production from an earlier commit, and then from this one on the same volumes. The earlier commit is
 * UPGRADE_FROM, or else the one before the newest migration.
 */
export async function upgrade(folder: string): Promise<void> {
  const commit = process.env.UPGRADE_FROM || beforeNewestMigration();
  const earlier = copyOfCommit(commit);
  try {
    const { rotated, current } = await startEarlier(earlier);
    writeDotEnv(folder, ENV);
    await withCompose({ folder, args: COMPOSE }, async (compose) => {
      say(`upgrade: starts on the volumes of ${commit}`);
      await checkReplay(rotated, pairOf(await refresh(current)));
      say('upgrade: a session from before is refreshed, and its theft is noticed');
      const body = { username: 'ann', password: PASSWORD };
      assert.equal((await send('POST', '/auth/login', { body })).status, 200);
      say('upgrade: an account from before logs in with its password');
      await logIn(readServiceKey(compose));
      say('upgrade: a backend logs a user in with the service key from before');
    });
  } finally {
    rmSync(earlier, { recursive: true, force: true });
  }
}

/** Creates an account, and refreshes a session once. Keeps the volumes, and returns both pairs of the session. */
async function startEarlier(folder: string): Promise<{ readonly rotated: Pair; readonly current: Pair }> {
  writeDotEnv(folder, ENV);
  return withCompose({ folder, args: COMPOSE, keepVolumes: true }, async (compose) => {
    await register('ann');
    const rotated = await logIn(readServiceKey(compose));
    return { rotated, current: pairOf(await refresh(rotated)) };
  });
}

function beforeNewestMigration(): string {
  const log = ['log', '--max-count=1', '--format=%H', '--diff-filter=A', '--', 'migrations'];
  const newest = execFileSync('git', log, { encoding: 'utf8' }).trim();
  return execFileSync('git', ['rev-parse', `${newest}^`], { encoding: 'utf8' }).trim();
}
