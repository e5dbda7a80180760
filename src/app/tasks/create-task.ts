import { accountNotFound, Refusal } from '../../domain/refusal.ts';
import { type Task, taskFault } from '../../domain/task.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Tasks } from '../../ports/stores/tasks.ts';

export type CreateTask = (owner: string, text: string) => Promise<Task>;

/** Creates a task. Rejects with a {@link Refusal}: `invalid_request`, `not_found` without an account. */
export const createTask =
  ({ tasks, clock }: { readonly tasks: Tasks; readonly clock: Clock }): CreateTask =>
  async (owner, text) => {
    assertTaskText(text);
    const task = await tasks.create(owner, text, clock());
    if (task === null) throw accountNotFound();
    return task;
  };

/** Throws a {@link Refusal} `invalid_request` if the text is not valid for a task. */
export function assertTaskText(text: string): void {
  const fault = taskFault(text);
  if (fault !== null) throw new Refusal('invalid_request', fault);
}
