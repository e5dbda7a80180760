import { Refusal } from '../../domain/refusal.ts';
import type { Tasks } from '../../ports/stores/tasks.ts';

/** Removes a task of one's own; a {@link Refusal} `not_found` for any other. */
export const deleteTask =
  ({ tasks }: { readonly tasks: Tasks }) =>
  async (owner: string, id: number): Promise<void> => {
    if (!(await tasks.remove(owner, id))) throw new Refusal('not_found');
  };
