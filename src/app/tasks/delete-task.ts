import { Refusal } from '../../domain/refusal.ts';
import type { Tasks } from '../../ports/stores/tasks.ts';

/** Removes the owner's task. Rejects with a {@link Refusal} `not_found` if the owner has no such task. */
export const deleteTask =
  ({ tasks }: { readonly tasks: Tasks }) =>
  async (owner: string, id: number): Promise<void> => {
    if (!(await tasks.remove(owner, id))) throw new Refusal('not_found');
  };
