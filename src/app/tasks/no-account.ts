import { Refusal } from '../../domain/refusal.ts';

/** Users whose account another system manages have sessions in this service, but neither a name nor tasks. */
export function accountNotFound(): Refusal {
  return new Refusal('not_found', 'This user has no account here.');
}
