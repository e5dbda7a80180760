import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { copyOfCommit, withCompose, writeDotEnv } from './docker.ts';
import { say } from './progress.ts';
import { ENV, logIn, type Pair, pairOf, readServiceKey, refresh, register, send } from './service.ts';

const COMPOSE = ['-f', 'compose.prod.yml'];

/**
 * Starts production from an earlier commit, and then from this one on the same volumes. The earlier commit is
 * UPGRADE_FROM, or else the one before the newest migration.
 */
export async function upgrade(folder: string): Promise<void> {
  const commit = process.env.UPGRADE_FROM || beforeNewestMigration();
  const earlier = copyOfCommit(commit);
  try {
    const used = await startEarlier(earlier);
    writeDotEnv(folder, ENV);
    await withCompose({ folder, args: COMPOSE }, async (compose) => {
      say(`upgrade: starts on the volumes of ${commit}`);
      await checkSession(used);
      say('upgrade: a session from before is refreshed, and its theft is noticed');
      const body = { username: 'ann', password: 'a violet piano 42' };
      assert.equal((await send('POST', '/auth/login', { body })).status, 200);
      say('upgrade: an account from before logs in with its password');
      await logIn(readServiceKey(compose));
      say('upgrade: a backend logs a user in with the service key from before');
    });
  } finally {
    rmSync(earlier, { recursive: true, force: true });
  }
}

/** Creates an account, and refreshes a session once. Keeps the volumes. */
async function startEarlier(folder: string): Promise<{ readonly rotated: Pair; readonly current: Pair }> {
  writeDotEnv(folder, ENV);
  let used: { rotated: Pair; current: Pair } | null = null;
  await withCompose({ folder, args: COMPOSE, keepVolumes: true }, async (compose) => {
    await register('ann');
    const rotated = await logIn(readServiceKey(compose));
    used = { rotated, current: pairOf(await refresh(rotated)) };
  });
  assert.ok(used);
  return used;
}

async function checkSession({ rotated, current }: { readonly rotated: Pair; readonly current: Pair }) {
  const next = pairOf(await refresh(current));
  const replay = await refresh(rotated);
  assert.deepEqual([replay.status, replay.body.code], [401, 'token_reused']);
  const victim = await refresh(next);
  assert.deepEqual([victim.status, victim.body.code], [401, 'session_revoked']);
}

function beforeNewestMigration(): string {
  const log = ['log', '--max-count=1', '--format=%H', '--diff-filter=A', '--', 'migrations'];
  const newest = execFileSync('git', log, { encoding: 'utf8' }).trim();
  return execFileSync('git', ['rev-parse', `${newest}^`], { encoding: 'utf8' }).trim();
}
