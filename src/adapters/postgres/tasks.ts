import type { Task } from '../../domain/task.ts';
import type { Tasks } from '../../ports/stores/tasks.ts';
import { assertEach, isSameId, onlyRow } from './answer-check.ts';
import type { Sql } from './connect.ts';
import { execute } from './execute.ts';
import { userKey } from './user-key.ts';

interface TaskRow {
  id: number;
  author: string;
  text: string;
  pub_date: Date;
}

/** A row of a list. An empty list has one row with its version and no task. */
type ListRow = { owner: string; version: string } & (TaskRow | { id: null });

/**
 * Tasks in PostgreSQL. Triggers change the versions of the lists. Each change locks the row of the owner before the row
 * of the task. The removal of an account does the same, so the two cannot deadlock.
 */
export function createTasks(sql: Sql): Tasks {
  const lockOwner = (owner: string) => sql`
    owner as (select id, username from users where id = ${userKey(owner)} for no key update)`;

  return {
    async create(owner, text, publishedAt) {
      const rows = await execute(sql<TaskRow[]>`
        with ${lockOwner(owner)},
        created as (
          insert into tasks (author, text, pub_date) select id, ${text}, ${new Date(publishedAt)} from owner
          returning id, text, pub_date
        )
        select created.id, created.text, created.pub_date, username as author from created, owner`);
      return toTaskOrNull(onlyRow(rows, (row) => row.text === text));
    },

    async find(owner, id) {
      const rows = await execute(sql<TaskRow[]>`
        select tasks.id, username as author, text, pub_date from tasks join users on users.id = author
        where tasks.id = ${id} and author = ${userKey(owner)}`);
      return toTaskOrNull(onlyRow(rows, (row) => row.id === id));
    },

    async change(owner, id, text) {
      const rows = await execute(sql<TaskRow[]>`
        with ${lockOwner(owner)}
        update tasks set text = ${text} from owner where tasks.id = ${id} and author = owner.id
        returning tasks.id, username as author, text, pub_date`);
      return toTaskOrNull(onlyRow(rows, (row) => row.id === id));
    },

    async remove(owner, id) {
      const { count } = await execute(sql`
        with ${lockOwner(owner)}
        delete from tasks using owner where tasks.id = ${id} and author = owner.id`);
      return count > 0;
    },

    async versionOf(owner) {
      const rows = await execute(sql<{ id: string; version: string }[]>`
        select id, tasks_version || ' ' || username as version from users where id = ${userKey(owner)}`);
      return onlyRow(rows, (row) => isSameId(row.id, userKey(owner)))?.version ?? null;
    },

    async list(owner, limit) {
      const rows = await execute(sql<ListRow[]>`
        select users.id as owner, tasks_version || ' ' || username as version, username as author, task.id, text, pub_date
        from users left join lateral (
          select id, text, pub_date from tasks where author = users.id order by id desc limit ${limit}
        ) task on true
        where users.id = ${userKey(owner)}
        order by task.id desc`);
      assertEach(rows, (row) => isSameId(row.owner, userKey(owner)));
      const [first] = rows;
      return first === undefined ? null : { version: first.version, tasks: rows.flatMap(toTasks) };
    },
  };
}

function toTasks(row: ListRow): Task[] {
  return row.id === null ? [] : [toTask(row)];
}

function toTaskOrNull(row: TaskRow | null): Task | null {
  return row === null ? null : toTask(row);
}

function toTask({ id, author, text, pub_date }: TaskRow): Task {
  return { id, author, text, publishedAt: pub_date.getTime() };
}
