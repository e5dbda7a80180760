import { Refusal } from '../../domain/refusal.ts';
import type { Task } from '../../domain/task.ts';
import type { Tasks } from '../../ports/stores/tasks.ts';

export type FindTask = (owner: string, id: number) => Promise<Task>;

/** The owner's task. Rejects with a {@link Refusal} `not_found` if the owner has no such task. */
export const findTask =
  ({ tasks }: { readonly tasks: Tasks }): FindTask =>
  async (owner, id) => {
    const task = await tasks.find(owner, id);
    if (task === null) throw new Refusal('not_found');
    return task;
  };
