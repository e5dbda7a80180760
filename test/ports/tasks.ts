import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import type { User } from '../../src/domain/user.ts';
import type { TaskList, Tasks } from '../../src/ports/stores/tasks.ts';
import { NOW } from '../support/families.ts';
import { someUser, type UserStores } from './users.ts';

export interface TaskStores extends UserStores {
  readonly tasks: Tasks;
}

type Fresh = (t: Test) => Promise<TaskStores>;

const REMOVED = { at: NOW, reason: 'account_deleted' } as const;

/** The contract of {@link Tasks}. */
export function tasksContract(t: Test, fresh: Fresh): void {
  t.test('behavior', (t) => behavior(t, fresh));
  t.test('owners and versions', (t) => ownersAndVersions(t, fresh));
  t.test('concurrency', (t) => concurrency(t, fresh));
  t.end();
}

/** Two users, each with one task. */
async function twoUsers(t: Test, fresh: Fresh) {
  const stores = await fresh(t);
  const [ann, bob] = [someUser(), someUser()];
  for (const user of [ann, bob]) await stores.users.create(user, []);
  return {
    ...stores,
    ann,
    bob,
    hers: await makeTask(stores.tasks, ann, 'hers'),
    his: await makeTask(stores.tasks, bob, 'his'),
  };
}

async function makeTask(tasks: Tasks, { id }: User, text: string) {
  const task = await tasks.create(id, text, NOW);
  if (task === null) throw new Error('A user with an account can make tasks.');
  return task;
}

async function listOf(tasks: Tasks, { id }: User, limit = 100): Promise<TaskList> {
  const list = await tasks.list(id, limit);
  if (list === null) throw new Error('A user with an account has a list.');
  return list;
}

async function behavior(t: Test, fresh: Fresh): Promise<void> {
  await t.test('a task is stored with all its fields', async (t) => {
    const { tasks, ann } = await twoUsers(t, fresh);
    const text = `${'\u{1F95B}'.repeat(198)} '`;
    const task = await makeTask(tasks, ann, text);
    t.same(task, { id: task.id, author: ann.username, text, publishedAt: NOW });
    t.ok(Number.isSafeInteger(task.id));
    t.same(await tasks.find(ann.id, task.id), task);
  });

  await t.test('a list is newest first and ends at its limit', async (t) => {
    const { tasks, ann, hers, his, bob } = await twoUsers(t, fresh);
    const second = await makeTask(tasks, ann, 'second');
    const third = await makeTask(tasks, ann, 'third');
    t.same((await listOf(tasks, ann)).tasks, [third, second, hers]);
    t.same((await listOf(tasks, ann, 2)).tasks, [third, second]);
    t.same((await listOf(tasks, bob)).tasks, [his]);
  });

  await t.test('a task is changed and removed', async (t) => {
    const { tasks, ann, hers } = await twoUsers(t, fresh);
    const changed = { ...hers, text: 'changed' };
    t.same(await tasks.change(ann.id, hers.id, 'changed'), changed);
    t.same(await tasks.find(ann.id, hers.id), changed);
    t.equal(await tasks.remove(ann.id, hers.id), true);
    t.equal(await tasks.find(ann.id, hers.id), null);
    t.equal(await tasks.change(ann.id, hers.id, 'again'), null);
    t.equal(await tasks.remove(ann.id, hers.id), false);
    t.same((await listOf(tasks, ann)).tasks, []);
  });

  await t.test('a user without an account has neither tasks nor a list', async (t) => {
    const { tasks } = await fresh(t);
    const userId = randomUUID();
    t.equal(await tasks.create(userId, 'text', NOW), null);
    t.equal(await tasks.versionOf(userId), null);
    t.equal(await tasks.list(userId, 10), null);
  });

  await t.test('deleting an account deletes its tasks, but no other tasks', async (t) => {
    const { tasks, users, ann, bob, hers, his } = await twoUsers(t, fresh);
    await users.remove(ann.id, null, REMOVED, []);
    t.equal(await tasks.find(ann.id, hers.id), null);
    t.equal(await tasks.list(ann.id, 10), null);
    t.same((await listOf(tasks, bob)).tasks, [his]);
    await users.create(ann, []);
    t.same((await listOf(tasks, ann)).tasks, [], 'and a new account does not get them');
  });
}

async function ownersAndVersions(t: Test, fresh: Fresh): Promise<void> {
  await t.test('a task of another user cannot be found or changed', async (t) => {
    const { tasks, ann, bob, hers, his } = await twoUsers(t, fresh);
    const before = [await listOf(tasks, ann), await listOf(tasks, bob)];
    t.equal(await tasks.find(ann.id, his.id), null);
    t.equal(await tasks.change(ann.id, his.id, 'mine now'), null);
    t.equal(await tasks.remove(bob.id, hers.id), false);
    t.equal(await tasks.remove(randomUUID(), hers.id), false);
    t.same([await listOf(tasks, ann), await listOf(tasks, bob)], before, 'no list has changed');
  });

  await t.test('every change gives the list a new version, and no other call does', async (t) => {
    const { tasks, users, ann, bob, hers } = await twoUsers(t, fresh);
    const newcomer = someUser();
    await users.create(newcomer, []);
    const versions = [await tasks.versionOf(newcomer.id)];
    const others = await tasks.versionOf(bob.id);
    const note = async () => {
      const version = await tasks.versionOf(ann.id);
      t.equal((await listOf(tasks, ann)).version, version);
      versions.push(version);
    };
    await note();
    await makeTask(tasks, ann, 'second');
    await note();
    await tasks.change(ann.id, hers.id, 'changed');
    await note();
    await tasks.change(ann.id, hers.id, 'hers');
    await note();
    await tasks.remove(ann.id, hers.id);
    await note();
    const renamed = { ...ann, username: someUser().username };
    await users.change(ann, renamed, { at: NOW }, []);
    await note();
    t.same(
      new Set((await listOf(tasks, ann)).tasks.map(({ author }) => author)),
      new Set([renamed.username]),
    );
    t.equal(new Set(versions).size, versions.length);
    t.equal(await tasks.versionOf(bob.id), others, 'lists of other users keep their versions');
  });
}

async function concurrency(t: Test, fresh: Fresh): Promise<void> {
  await t.test('concurrent changes never give two lists one version', async (t) => {
    const { tasks, ann, hers } = await twoUsers(t, fresh);
    const seen = new Map<string, string>();
    let writing = true;
    const read = async () => {
      while (writing) {
        const { version, tasks: found } = await listOf(tasks, ann);
        const texts = JSON.stringify(found);
        if ((seen.get(version) ?? texts) !== texts) t.fail('two lists of one version');
        seen.set(version, texts);
      }
    };
    const write = Promise.all(
      Array.from({ length: 60 }, async (_, n) => {
        if (n % 3 > 0) return tasks.change(ann.id, hers.id, `text ${n}`);
        const { id } = await makeTask(tasks, ann, `task ${n}`);
        return tasks.remove(ann.id, id);
      }),
    ).finally(() => {
      writing = false;
    });
    await Promise.all([write, read(), read()]);
    const { version, tasks: found } = await listOf(tasks, ann);
    t.equal(await tasks.versionOf(ann.id), version);
    t.equal(found.length, 1);
    t.equal(seen.get(version) ?? JSON.stringify(found), JSON.stringify(found));
  });

  await t.test('concurrently created tasks have distinct ids', async (t) => {
    const { tasks, ann } = await twoUsers(t, fresh);
    const made = await Promise.all(Array.from({ length: 30 }, (_, n) => makeTask(tasks, ann, `task ${n}`)));
    t.equal(new Set(made.map(({ id }) => id)).size, made.length);
    t.equal((await listOf(tasks, ann)).tasks.length, made.length + 1);
  });

  await t.test('the deletion of an account and a concurrent change of its task never deadlock', async (t) => {
    for (let round = 0; round < 5; round += 1) {
      const { tasks, users, ann, hers } = await twoUsers(t, fresh);
      const second = await makeTask(tasks, ann, 'second');
      await t.resolves(
        Promise.all([
          tasks.change(ann.id, hers.id, 'changed'),
          tasks.remove(ann.id, second.id),
          users.remove(ann.id, null, REMOVED, []),
          tasks.create(ann.id, 'third', NOW),
        ]),
      );
      t.equal(await tasks.list(ann.id, 10), null);
    }
  });
}
