import { Refusal } from '../domain/refusal.ts';
import { errorChain, errorCode, errorMessage } from '../lib/errors.ts';

/** The messages of an error and of its causes, without those that an outer message already contains. */
export function describeFailure(error: unknown): string {
  const [thrown, ...causes] = errorChain(error);
  const errors = [thrown, ...causes.filter((cause) => cause instanceof Error)];
  const messages = errors.filter(isWrittenForOperators).map(messageOrCode);
  return messages.filter((message, index) => !messages[index - 1]?.includes(message)).join(' ');
}

/** The sentence of an unavailable store is for clients of the service. An operator needs only its cause. */
function isWrittenForOperators(error: unknown): boolean {
  return !(error instanceof Refusal && error.code === 'unavailable' && error.cause instanceof Error);
}

function messageOrCode(error: unknown): string {
  return errorMessage(error) || errorCode(error) || (error as Error).name;
}
