import { errors, type JWTPayload, jwtVerify } from 'jose';
import { type Credentials, type ReceivedRequest, readCredentials } from './credentials.js';
import { createProofCheck, type DpopOptions } from './dpop.js';
import { followEndedSessions, type StreamOptions } from './ended-sessions.js';
import { invalidToken, VerifyError } from './errors.js';
import { createKeySet } from './key-set.js';
import { checkRequirements, type Requirements } from './requirements.js';
import { type Session, thumbprintOf, toSession } from './session.js';
import { createSettingWarnings } from './setting-warnings.js';
import { toTokenRefusal } from './token-refusal.js';

/** Seconds by which the clocks of the service and of this machine may differ. `exp` has no leeway. */
const LEEWAY = 5;

export interface VerifierOptions {
  /**
   * `PUBLIC_URL` or `TOKEN_ISSUER` of the service, exactly equal. During a change of the issuer a list, newest first.
   */
  readonly issuer: string | readonly string[];
  /** `TOKEN_AUDIENCE` of the service, or the values of it that this server accepts. */
  readonly audience: string | readonly string[];
  /** The origin at which this program reaches the service. Default: the origin of the first issuer. */
  readonly url?: string;
  /** Follows the stream of revocations. Without it, ended sessions are accepted until their access token expires. */
  readonly revocations?: StreamOptions;
  /** How the proofs of bound tokens are checked (RFC 9449). */
  readonly dpop?: DpopOptions;
  /**
   * Called with each refusal, to log its `reason`. Must not throw. Default: `console.warn` for the first refusal that a
   * wrong setting explains, for each setting.
   */
  readonly onRefusal?: (refusal: VerifyError) => void;
  readonly fetch?: typeof fetch;
}

/** A request, or the value of its `Authorization` header. */
type Presented = ReceivedRequest | string | null | undefined;

export interface Verifier {
  /**
   * Verifies the access token of a request, and its DPoP proof if the token is bound to a key. The value of an
   * `Authorization` header is enough for tokens that are not bound. Rejects with a {@link VerifyError}, and with
   * nothing else.
   */
  verify(request: Presented, requirements?: Requirements): Promise<Session>;
  /** Resolves once the ended sessions are known. Without `revocations`, it resolves at once. */
  readonly ready: Promise<void>;
  /** Closes the stream of revocations. */
  close(): void;
}

/** Creates a verifier of access tokens. Create one for the process: it caches the keys and follows the stream. */
export function createVerifier(options: VerifierOptions): Verifier {
  const issuer = [options.issuer].flat();
  const audience = [options.audience].flat();
  const { revocations } = options;
  const origin = options.url === undefined ? new URL(String(issuer[0])).origin : readOrigin(options.url);
  const fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
  const urlOf = (path: string) => new URL(path, origin);
  const keys = createKeySet(urlOf('/.well-known/jwks.json'), fetch);
  const endedSessions = revocations === undefined ? null : followEndedSessions(revocations, urlOf, fetch);
  const checkProof = createProofCheck(options.dpop ?? {});
  const { onRefusal = createSettingWarnings() } = options;

  return {
    async verify(presented, requirements = {}) {
      try {
        return await verifyRequest(presented, requirements);
      } catch (error) {
        if (error instanceof VerifyError) onRefusal(error);
        throw error;
      }
    },
    ready: endedSessions?.ready ?? Promise.resolve(),
    close: () => endedSessions?.close(),
  };

  async function verifyRequest(presented: Presented, requirements: Requirements): Promise<Session> {
    const request = typeof presented === 'object' ? presented : null;
    const authorization = typeof presented === 'object' ? request?.headers.get('authorization') : presented;
    const credentials = readCredentials(authorization);
    try {
      return await verifyCredentials(credentials, request, requirements);
    } catch (error) {
      throw credentials.isDpop && error instanceof VerifyError ? error.forDpop() : error;
    }
  }

  async function verifyCredentials(
    credentials: Credentials,
    request: ReceivedRequest | null,
    requirements: Requirements,
  ): Promise<Session> {
    const { token } = credentials;
    const session = toSession(await readClaims(token));
    const dpopNonce = await checkBinding(credentials, request, session);
    await endedSessions?.assertLive(token, session);
    checkRequirements(session, requirements);
    return { ...session, dpopNonce };
  }

  /**
   * Refuses a bound token with the scheme Bearer, and an unbound token with the scheme DPoP (RFC 9449 section 7.2).
   * Resolves with the nonce for the client's next proofs, or null.
   */
  async function checkBinding(
    { token, isDpop }: Credentials,
    request: ReceivedRequest | null,
    { claims }: Session,
  ): Promise<string | null> {
    const jkt = thumbprintOf(claims);
    if (isDpop !== (jkt !== null))
      throw isDpop
        ? invalidToken('token_invalid', 'The token is not bound to a key: send it as Authorization: Bearer.')
        : invalidToken(
            'token_invalid',
            'The token is bound to a key: send it as Authorization: DPoP, with a proof in the header DPoP.',
            { schemes: ['Bearer', 'DPoP'] },
          );
    if (jkt === null) return null;
    // The application passed an `Authorization` header alone: its proof cannot be checked.
    if (request === null)
      throw invalidToken('token_invalid', 'Tokens that are bound to a key are not supported here.');
    return checkProof(request, { jkt, token });
  }

  async function readClaims(token: string): Promise<JWTPayload> {
    const expected = { issuer, audience, algorithms: ['EdDSA', 'ES256', 'RS256'] };
    try {
      const { payload } = await jwtVerify(token, keys, {
        ...expected,
        typ: 'at+jwt',
        clockTolerance: LEEWAY,
        requiredClaims: ['sub', 'sid', 'iat', 'exp'],
      });
      if ((payload.exp ?? 0) * 1000 <= Date.now()) throw new errors.JWTExpired('"exp" has passed', payload);
      return payload;
    } catch (error) {
      throw toTokenRefusal(error, token, expected);
    }
  }
}

/** Throws a TypeError if the URL has a path: the service answers at the root of its origin. */
function readOrigin(url: string): string {
  const { origin, href } = new URL(url);
  if (href !== `${origin}/`)
    throw new TypeError(`\`url\` must be an origin without a path, such as ${origin}: ${url}`);
  return origin;
}
