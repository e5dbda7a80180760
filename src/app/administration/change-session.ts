import type { ChangeOrigin } from '../../domain/audit.ts';
import {
  areEqualClaims,
  claimNames,
  claimsFault,
  claimsLimit,
  MAX_SESSION_CLAIMS,
  NO_CLAIMS,
} from '../../domain/claims.ts';
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
  wanted: FamilyChanges,
  origin: ChangeOrigin,
) => Promise<TokenFamily | null>;

/**
 * Changes the name of a session's device, or the session's own claims, which come with its next pair. Values that the
 * session has already are not recorded. Null, and nothing changes, if there is no such session, or it has ended.
 * Rejects with a {@link Refusal} `invalid_request` if the claims are not acceptable, or neither value is given.
 */
export const changeSession =
  (deps: Deps): ChangeSession =>
  async (sessionId, wanted, origin) => {
    assertAcceptable(wanted, MAX_SESSION_CLAIMS);
    const now = deps.clock();
    const family = await findLive(deps, sessionId, now);
    if (family === null) return null;
    const { userId } = family;
    assertAcceptable(wanted, claimsLimit(MAX_SESSION_CLAIMS, userId));
    const changes = onlyDifferent(family, wanted);
    if (Object.keys(changes).length === 0) return family;
    const action: AdminAction = {
      type: 'session_changed',
      origin,
      userId,
      events: [eventOf(family, changes, now)],
    };
    const changed = await deps.families.update(family, changes, entriesOfAction(deps, action));
    // Null: the session has ended meanwhile, or another request has made the same change.
    if (changed === null) return findLive(deps, sessionId, now);
    reportAction(deps, action);
    return changed;
  };

async function findLive({ families }: Deps, sessionId: string, now: number): Promise<TokenFamily | null> {
  const family = await families.find(sessionId);
  return family !== null && isLive(family, now) ? family : null;
}

function assertAcceptable({ deviceName, sessionClaims }: FamilyChanges, maxBytes: number): void {
  if (deviceName === undefined && sessionClaims === undefined)
    throw new Refusal('invalid_request', 'Send deviceName, claims or both.');
  const fault = claimsFault(sessionClaims ?? NO_CLAIMS, maxBytes);
  if (fault !== null) throw new Refusal('invalid_request', `The claims ${fault}.`);
}

function onlyDifferent(family: TokenFamily, { deviceName, sessionClaims }: FamilyChanges): FamilyChanges {
  return {
    ...(deviceName !== undefined && deviceName !== family.deviceName && { deviceName }),
    ...(sessionClaims && !areEqualClaims(sessionClaims, family.sessionClaims) && { sessionClaims }),
  };
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
