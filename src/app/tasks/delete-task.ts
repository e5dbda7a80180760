import { Refusal } from '../../domain/refusal.ts';
import type { Tasks } from '../../ports/stores/tasks.ts';

export type DeleteTask = (owner: string, id: number) => Promise<void>;

/** Removes the owner's task. Rejects with a {@link Refusal} `not_found` if the owner has no such task. */
export const deleteTask =
  ({ tasks }: { readonly tasks: Tasks }): DeleteTask =>
  async (owner, id) => {
    if (!(await tasks.remove(owner, id))) throw new Refusal('not_found');
  };
