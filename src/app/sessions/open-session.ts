import { byBackend, type ChangeOrigin } from '../../domain/audit.ts';
import { claimNames } from '../../domain/claims.ts';
import { clientFacts } from '../../domain/client-info.ts';
import { hasSecondStep } from '../../domain/door.ts';
import type { DomainEvent, Occurrence } from '../../domain/events.ts';
import { type Login, loginFault, newFamily } from '../../domain/login.ts';
import type { Policy } from '../../domain/policy.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { TokenFamily } from '../../domain/token-family.ts';
import type { Clock } from '../../ports/clock.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { RevokedFamilies } from '../../ports/revoked-families.ts';
import type { TokenCodec } from '../../ports/security/token-codec.ts';
import type { TokenSecrets } from '../../ports/security/token-secrets.ts';
import type { SecurityLog } from '../../ports/security-log.ts';
import type { ChangeEntry } from '../../ports/stores/change-entry.ts';
import type { OpenedSession, TokenFamilies } from '../../ports/stores/token-families.ts';
import { type RefusalDeps, recordRefusal } from '../audit/record-refusal.ts';
import { changeEntries } from '../change-entries.ts';
import { reportEnded } from '../revocation/remember-ended.ts';
import { mintPair, type TokenPair } from '../tokens/mint-pair.ts';
import { nextGeneration } from '../tokens/next-generation.ts';
import { useDpopProof } from '../tokens/require-dpop-proof.ts';
import { type BindingDeps, decideKeyBinding, type KeyBindingInput } from './decide-key-binding.ts';

export interface OpenSessionDeps extends BindingDeps, RefusalDeps {
  readonly families: TokenFamilies;
  readonly revoked: RevokedFamilies;
  readonly codec: TokenCodec;
  readonly secrets: TokenSecrets;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly securityLog: SecurityLog;
  /** Whether a login through a door without a second step succeeds for an account with a second factor. */
  readonly legacyDoorsSkipSecondFactor: boolean;
  /** Absent: every user may sign in. */
  readonly admitUser?: AdmitUser;
}

/** The user and the options of a new session, and the key to which it is to be bound. */
export type NewSession = Omit<Login, 'tokenFamily' | 'jkt'> & KeyBindingInput;

/** The user and the options of a new session whose binding is decided. `jkt` null: it is not bound. */
export type BoundSession = Omit<Login, 'tokenFamily'> & Required<Pick<Login, 'jkt'>>;

/** Rejects if this authenticated user may not sign in. Then no session opens, and the limit of sessions ends none. */
export type AdmitUser = (user: Pick<BoundSession, 'userId' | 'authentication' | 'client'>) => Promise<void>;

export type OpenSession = (session: NewSession) => Promise<TokenPair>;

/**
 * Opens a session for a user whom a trusted backend names, and returns the first pair. The backend has authenticated
 * the user, so no second factor is asked for. Rejects with a {@link Refusal}: `invalid_request` for an unacceptable
 * parameter, `invalid_dpop_proof`, `use_dpop_nonce`, `account_disabled`, and `forbidden` if the account has a
 * second factor and the door has no second step.
 */
export const openSession =
  (deps: OpenSessionDeps): OpenSession =>
  async ({ presented, dpopJkt, mustBind, ...session }) => {
    const fault = loginFault(session, deps.policy, deps.clock());
    if (fault !== null) throw new Refusal('invalid_request', fault);
    const { jkt, proof } = await decideKeyBinding(deps, { presented, dpopJkt, mustBind });
    if (proof !== null) await useDpopProof(deps, proof);
    const refuseSecondFactor = !hasSecondStep(session.door) && !deps.legacyDoorsSkipSecondFactor;
    const pair = await openSessionWith(
      deps,
      byBackend(session.clientId, session.client),
      { ...session, jkt },
      (family, entries) => deps.families.open(family, entries, { refuseSecondFactor }),
    );
    if (pair === null) throw await refuseMissingSecondStep(deps, session);
    return pair;
  };

/** Stores the family of a new session; null if a condition does not hold. */
type StoreFamily = (
  family: TokenFamily,
  entries: readonly ChangeEntry[],
) => Promise<OpenedSession | 'disabled' | null>;

/**
 * Opens a session and returns the first pair. Null if `store` returns null. Rejects with a {@link Refusal}
 * `account_disabled`, or with that of `admitUser`.
 */
export async function openSessionWith(
  deps: OpenSessionDeps,
  origin: ChangeOrigin,
  session: BoundSession,
  store: StoreFamily,
): Promise<TokenPair | null> {
  await deps.admitUser?.(session);
  const now = deps.clock();
  const { client } = session;
  const login = { ...session, tokenFamily: deps.newId() };
  const first = await nextGeneration(deps, { ...login, previous: null, retryKey: null }, now);
  const family = newFamily(login, first.pair, deps.policy);
  const subject = { userId: family.userId, address: client.address };
  const data = { sessionId: family.tokenFamily, userId: family.userId, ...clientFacts(client) };
  const event = { type: 'sessions.started', occurredAt: now, data } as const;
  const started = { event, details: loginDetails(family) };
  const entries = changeEntries(deps.newId, origin, [started, ...newDeviceOccurrences(event, deps.policy)]);
  const opened = await store(family, entries);
  if (opened === null) return null;
  if (opened === 'disabled') throw refuseDisabledUser(deps, session);
  reportEnded(deps, opened.sessions, { at: now, reason: 'session_limit' }, subject);
  return mintPair(deps, { ...family, claims: opened.claims }, now, first.ids);
}

/** How the session was opened, for the audit log. */
function loginDetails({
  door,
  clientId,
  paired,
  jkt,
  sessionClaims,
  authentication: { amr, acr },
}: TokenFamily) {
  const names = claimNames(sessionClaims);
  const common = { door, clientId, paired, bound: jkt !== null, amr, acr };
  return names.length === 0 ? common : { ...common, claimNames: names };
}

function newDeviceOccurrences(
  started: Extract<DomainEvent, { type: 'sessions.started' }>,
  { onNewDevice }: Policy,
): Occurrence[] {
  if (onNewDevice === 'ignore') return [];
  return [{ event: { ...started, type: 'sessions.started_on_new_device' }, ifNewDevice: true }];
}

/** The refusal of a login of a disabled user. It is logged. */
export function refuseDisabledUser(
  { securityLog }: Pick<OpenSessionDeps, 'securityLog'>,
  { userId, client }: Pick<NewSession, 'userId' | 'client'>,
): Refusal {
  securityLog('disabled_user_refused', { userId, address: client.address });
  return new Refusal('account_disabled');
}

/** The refusal of a door that cannot ask for the second factor of the account. It is logged and recorded. */
export async function refuseMissingSecondStep(
  deps: Pick<OpenSessionDeps, 'securityLog'> & RefusalDeps,
  { userId, client }: Pick<NewSession, 'userId' | 'client'>,
): Promise<Refusal> {
  await recordRefusal(deps, 'users.second_factor_missing', userId, client);
  deps.securityLog('second_factor_missing', { userId, address: client.address });
  return new Refusal('forbidden', 'This account has a second factor, which this front door cannot ask for.');
}
