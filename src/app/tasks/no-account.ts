import { Refusal } from '../../domain/refusal.ts';

/**
 * The user has no account in this service. Another system may manage the account: such users have sessions
 * here, but neither a name nor tasks.
 */
export function accountNotFound(): Refusal {
  return new Refusal('not_found', 'This user has no account here.');
}
