import type { Task } from '../../domain/task.ts';

/** A user's list at one moment. Lists with equal versions are equal. */
export interface TaskList {
  readonly version: string;
  /** Newest first. */
  readonly tasks: readonly Task[];
}

/**
 * The store of tasks. `owner` is the id of a user, and a task of another user counts as missing. Deleting the account
 * deletes its tasks.
 *
 * Every method is atomic. Every change gives the owner's list a version that it never had before, even after a restore
 * of the database. A change of the owner's name, which tasks have as `author`, changes the version, too. So an outdated
 * cached list is recognized by its version.
 *
 * All methods reject with {@link StoreUnavailable} when the database is unavailable.
 */
export interface Tasks {
  /** Null, and nothing changes, if the owner has no account. */
  create(owner: string, text: string, publishedAt: number): Promise<Task | null>;

  find(owner: string, id: number): Promise<Task | null>;

  /** The changed task; null, and nothing changes, if the owner has no such task. */
  change(owner: string, id: number, text: string): Promise<Task | null>;

  /** False, and nothing changes, if the owner has no such task. */
  remove(owner: string, id: number): Promise<boolean>;

  /** The list's current version; null if the owner has no account. */
  versionOf(owner: string): Promise<string | null>;

  /** Up to `limit` newest tasks and the list's version, from one snapshot; null if the owner has no account. */
  list(owner: string, limit: number): Promise<TaskList | null>;
}
