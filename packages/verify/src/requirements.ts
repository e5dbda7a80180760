import { VerifyError } from './errors.js';
import type { Session } from './session.js';

/** What a route requires, in addition to a valid token. */
export interface Requirements {
  /** All of these must be in the claim `scope`. */
  readonly scopes?: readonly string[];
  /** The user must have shown a credential within this time, in seconds (RFC 9470). */
  readonly maxAge?: number;
  /** The authentication must have this level or a higher one: `aal1`, `aal2` (RFC 9470). */
  readonly acr?: string;
}

/** Throws a {@link VerifyError} `insufficient_scope` or `step_up_required`. */
export function checkRequirements(session: Session, { scopes = [], maxAge, acr }: Requirements): void {
  if (!scopes.every((scope) => session.scopes.includes(scope)))
    throw new VerifyError('insufficient_scope', 'The token does not have the required scope.', {
      challenge: { error: 'insufficient_scope', scope: scopes.join(' ') },
    });
  const age = session.authTime === null ? null : Date.now() / 1000 - session.authTime;
  const isRecent = maxAge === undefined || (age !== null && age <= maxAge);
  // Levels of one scheme are ordered by their names: aal1, aal2.
  const isStrong =
    acr === undefined || (session.acr !== null && isSameScheme(session.acr, acr) && session.acr >= acr);
  if (isRecent && isStrong) return;
  throw new VerifyError('step_up_required', 'The user must prove again who they are.', {
    challenge: {
      error: 'insufficient_user_authentication',
      ...(maxAge !== undefined && { max_age: String(maxAge) }),
      ...(acr !== undefined && { acr_values: acr }),
    },
  });
}

function isSameScheme(one: string, other: string): boolean {
  return one.length === other.length && one.slice(0, -1) === other.slice(0, -1);
}
