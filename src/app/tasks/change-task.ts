import { Refusal } from '../../domain/refusal.ts';
import type { Task } from '../../domain/task.ts';
import type { Tasks } from '../../ports/stores/tasks.ts';
import { assertTaskText } from './create-task.ts';

export type ChangeTask = (owner: string, id: number, text: string) => Promise<Task>;

/** Changes the text of the owner's task. Rejects with a {@link Refusal}: `invalid_request`, `not_found`. */
export const changeTask =
  ({ tasks }: { readonly tasks: Tasks }): ChangeTask =>
  async (owner, id, text) => {
    assertTaskText(text);
    const task = await tasks.change(owner, id, text);
    if (task === null) throw new Refusal('not_found');
    return task;
  };
