import type { Task } from '../../domain/task.ts';

/** A user's list at one moment. Lists of one version are the same list. */
export interface TaskList {
  readonly version: string;
  /** Newest first. */
  readonly tasks: readonly Task[];
}

/**
 * Tasks, each of one user: `owner` is a user's id, and somebody else's task is not there. They go when the account
 * goes.
 *
 * Every method is atomic, and every change gives the owner's list a version that it never had before, whatever was
 * lost or restored meanwhile: so a list that was kept elsewhere can be told from the list as it is.
 *
 * All methods reject with {@link StoreUnavailable} when the database cannot be asked.
 */
export interface Tasks {
  /** Null, and nothing happens, if the owner has no account. */
  create(owner: string, text: string, publishedAt: number): Promise<Task | null>;

  find(owner: string, id: number): Promise<Task | null>;

  /** The task as it now is; null, and nothing happens, if the owner has no such task. */
  change(owner: string, id: number, text: string): Promise<Task | null>;

  /** False, and nothing happens, if the owner has no such task. */
  remove(owner: string, id: number): Promise<boolean>;

  /** The version that the list has now; null if the owner has no account. */
  versionOf(owner: string): Promise<string | null>;

  /** The newest tasks, up to `limit`, and the version of the list, both of one moment; null as above. */
  list(owner: string, limit: number): Promise<TaskList | null>;
}
