import type { Client } from '../../domain/events.ts';
import type { Policy } from '../../domain/policy.ts';
import { type CurrentPair, type Door, expiriesFrom, openFamily } from '../../domain/token-family.ts';
import type { Clock } from '../../ports/clock.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { TokenCodec } from '../../ports/security/token-codec.ts';
import type { TokenSecrets } from '../../ports/security/token-secrets.ts';
import type { TokenFamilies } from '../../ports/stores/token-families.ts';
import { outboxEntries } from '../outbox-entries.ts';
import { mintPair, type TokenPair } from './mint-pair.ts';

export interface LogInByIdInput {
  /** The user's UUID, lower case, vouched for by a trusted backend. */
  readonly userId: string;
  readonly paired: boolean;
  readonly door: Door;
  readonly clientId: string;
  readonly contact: string | null;
  readonly client: Client;
}

interface Deps {
  readonly families: TokenFamilies;
  readonly codec: TokenCodec;
  readonly secrets: TokenSecrets;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly newId: NewId;
}

/** Opens a session for a user that a trusted backend vouches for, and answers its first pair. */
export const logInById = (deps: Deps) => {
  const mint = mintPair(deps);

  return async (input: LogInByIdInput): Promise<TokenPair> => {
    const now = deps.clock();
    const login = { ...input, tokenFamily: deps.newId() };
    const family = openFamily(login, await firstPair(deps, login, now), deps.policy);
    const event = {
      type: 'sessions.started',
      occurredAt: now,
      data: { sessionId: family.tokenFamily, userId: family.userId, ...input.client },
    } as const;
    await deps.families.open(family, outboxEntries(deps.newId, [{ event }]));
    return mint(family, now);
  };
};

async function firstPair(
  { secrets, codec, policy }: Deps,
  login: LogInByIdInput & { tokenFamily: string },
  now: number,
): Promise<CurrentPair> {
  const { scheme } = secrets;
  const seed = secrets.newSeed();
  const { jti } = secrets.derive(scheme, { ...login, generation: 0, seed });
  return {
    generation: 0,
    hashedRefreshTokenId: await secrets.hashJti(scheme, login.tokenFamily, jti),
    previousHash: null,
    retryKeyHash: null,
    scheme,
    seed,
    ...codec.signingKeys,
    ...expiriesFrom(now, policy),
    ...login.client,
    rotatedAt: now,
  };
}
