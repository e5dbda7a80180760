import { clientFacts, type DomainEvent, type Occurrence } from '../../domain/events.ts';
import type { Policy } from '../../domain/policy.ts';
import { Refusal } from '../../domain/refusal.ts';
import { type Login, loginFault, openFamily } from '../../domain/token-family.ts';
import type { Clock } from '../../ports/clock.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { RevokedFamilies } from '../../ports/revoked-families.ts';
import type { TokenCodec } from '../../ports/security/token-codec.ts';
import type { TokenSecrets } from '../../ports/security/token-secrets.ts';
import type { SecurityLog } from '../../ports/security-log.ts';
import type { TokenFamilies } from '../../ports/stores/token-families.ts';
import { outboxEntries } from '../outbox-entries.ts';
import { reportEnded } from '../revocation/remember-ended.ts';
import { mintPair, type TokenPair } from '../tokens/mint-pair.ts';
import { nextGeneration } from '../tokens/next-generation.ts';
import { useProof } from '../tokens/require-proof.ts';
import { type BindingDeps, type BindingInput, readBinding } from './bind-session.ts';

export interface OpenSessionDeps extends BindingDeps {
  readonly families: TokenFamilies;
  readonly revoked: RevokedFamilies;
  readonly codec: TokenCodec;
  readonly secrets: TokenSecrets;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly securityLog: SecurityLog;
}

/** The user and the options of a new session, and the key to which it is to be bound. */
export type NewSession = Omit<Login, 'tokenFamily' | 'jkt'> & BindingInput;

export type OpenSession = (session: NewSession) => Promise<TokenPair>;

/**
 * Opens a session for a user whom a trusted backend names, and returns the first pair. Rejects with a {@link Refusal}
 * `invalid_request` if what the backend states is not acceptable.
 */
export const openSession =
  (deps: OpenSessionDeps): OpenSession =>
  async ({ presented, dpopJkt, mustBind, ...session }) => {
    const fault = loginFault(session, deps.policy, deps.clock());
    if (fault !== null) throw new Refusal('invalid_request', fault);
    const { jkt, proof } = await readBinding(deps, { presented, dpopJkt, mustBind });
    if (proof !== null) await useProof(deps, proof);
    const pair = await openSessionIf(deps, { ...session, jkt });
    if (pair === null) throw new Refusal('invalid_credentials');
    return pair;
  };

/**
 * Opens a session and returns the first pair. With `ifPasswordHash`: null if the user's password hash is another one by
 * now. Without it: never null.
 */
export async function openSessionIf(
  deps: OpenSessionDeps,
  session: Omit<Login, 'tokenFamily'>,
  ifPasswordHash?: string,
): Promise<TokenPair | null> {
  const now = deps.clock();
  const { client } = session;
  const login = { ...session, tokenFamily: deps.newId() };
  const first = await nextGeneration(deps, { ...login, previous: null, retryKey: null }, now);
  const family = openFamily(login, first.pair, deps.policy);
  const subject = { userId: family.userId, address: client.address };
  const data = { sessionId: family.tokenFamily, userId: family.userId, ...clientFacts(client) };
  const event = { type: 'sessions.started', occurredAt: now, data } as const;
  const entries = outboxEntries(deps.newId, [{ event }, ...newDeviceOccurrences(event, deps.policy)]);
  const opened = await deps.families.open(family, entries, ifPasswordHash);
  if (opened === null) return null;
  reportEnded(deps, opened.sessions, { at: now, reason: 'session_limit' }, subject);
  return mintPair(deps, family, now, first.ids);
}

function newDeviceOccurrences(
  started: Extract<DomainEvent, { type: 'sessions.started' }>,
  { onNewDevice }: Policy,
): Occurrence[] {
  if (onNewDevice === 'ignore') return [];
  return [{ event: { ...started, type: 'sessions.started_on_new_device' }, ifNewDevice: true }];
}
