import { Refusal } from '../../domain/refusal.ts';
import { taskFault } from '../../domain/task.ts';

/** Throws a {@link Refusal} `invalid_request` if the text is not valid for a task. */
export function assertTaskText(text: string): void {
  const fault = taskFault(text);
  if (fault !== null) throw new Refusal('invalid_request', fault);
}
