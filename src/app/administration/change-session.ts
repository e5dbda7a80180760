import type { ChangeOrigin } from '../../domain/audit.ts';
import { claimNames, claimsFault, claimsLimit, MAX_SESSION_CLAIMS, NO_CLAIMS } from '../../domain/claims.ts';
import { Refusal } from '../../domain/refusal.ts';
import { isLive, type TokenFamily } from '../../domain/token-family.ts';
import type { Clock } from '../../ports/clock.ts';
import type { FamilyChanges, TokenFamilies } from '../../ports/stores/token-families.ts';
import { type AdminAction, type AdminActionDeps, entriesOfAction, reportAction } from './admin-action.ts';

interface Deps extends AdminActionDeps {
  readonly families: Pick<TokenFamilies, 'find' | 'update'>;
  readonly clock: Clock;
}

export type ChangeSession = (
  sessionId: string,
  changes: FamilyChanges,
  origin: ChangeOrigin,
) => Promise<TokenFamily | null>;

/**
 * Changes the name of a session's device, or the session's own claims, which come with its next pair. Null, and nothing
 * changes, if there is no such session, or it has ended. Rejects with a {@link Refusal} `invalid_request` if the claims
 * are not acceptable or nothing is to change.
 */
export const changeSession =
  (deps: Deps): ChangeSession =>
  async (sessionId, changes, origin) => {
    assertAcceptable(changes, MAX_SESSION_CLAIMS);
    const now = deps.clock();
    const family = await deps.families.find(sessionId);
    if (family === null || !isLive(family, now)) return null;
    const { userId } = family;
    assertAcceptable(changes, claimsLimit(MAX_SESSION_CLAIMS, userId));
    const action: AdminAction = {
      type: 'session_changed',
      origin,
      userId,
      events: [eventOf(family, changes, now)],
    };
    const changed = await deps.families.update(family, changes, entriesOfAction(deps, action));
    if (changed !== null) reportAction(deps, action);
    return changed;
  };

function assertAcceptable({ deviceName, sessionClaims }: FamilyChanges, maxBytes: number): void {
  if (deviceName === undefined && sessionClaims === undefined)
    throw new Refusal('invalid_request', 'Send deviceName, claims or both.');
  const fault = claimsFault(sessionClaims ?? NO_CLAIMS, maxBytes);
  if (fault !== null) throw new Refusal('invalid_request', `The claims ${fault}.`);
}

function eventOf(
  { tokenFamily: sessionId, userId, ...before }: TokenFamily,
  changes: FamilyChanges,
  occurredAt: number,
) {
  const { deviceName, sessionClaims = before.sessionClaims } = changes;
  const changed = [
    ...(changes.sessionClaims === undefined ? [] : (['claims'] as const)),
    ...(deviceName === undefined ? [] : (['deviceName'] as const)),
  ];
  const data = { sessionId, userId, changed, claimNames: claimNames(sessionClaims) };
  return { type: 'sessions.changed', occurredAt, data } as const;
}
