import { errors, type JWTPayload, jwtVerify } from 'jose';
import { type Credentials, type ReceivedRequest, readCredentials } from './credentials.js';
import { createProofCheck, type DpopOptions } from './dpop.js';
import { invalidToken, unavailable, VerifyError } from './errors.js';
import { isActive } from './introspect.js';
import { createKeySet } from './key-set.js';
import { checkRequirements, type Requirements } from './requirements.js';
import { followRevocations, type Revocations } from './revocations.js';
import { type Session, thumbprintOf, toSession } from './session.js';

/** Seconds by which the clocks of the service and of this machine may differ. `exp` has no leeway. */
const LEEWAY = 5;

export interface StreamOptions {
  /** A service key with scope `verify`; for `introspect` also with that scope. */
  readonly serviceKey: string;
  /**
   * What to do with a valid token while the stream is lost. `accept`: sessions live on until `exp`. `introspect`: ask
   * the service for each request. `refuse`: answer 503.
   */
  readonly whenLost: 'accept' | 'introspect' | 'refuse';
  /**
   * Milliseconds after the last byte until the stream counts as lost. Default 30,000. The service sends a byte at least
   * every 15 seconds.
   */
  readonly lostAfter?: number;
  /**
   * The maximum number of ended sessions in memory. With more, the stream counts as lost. Default 1,000,000, in 42 MB.
   */
  readonly maxSessions?: number;
  /** Called with each failure of the stream. The verifier keeps reconnecting. */
  readonly onError?: (error: unknown) => void;
}

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
  readonly fetch?: typeof fetch;
}

export interface Verifier {
  /**
   * Verifies the access token of a request, and its DPoP proof if the token is bound to a key. The value of an
   * `Authorization` header is enough for tokens that are not bound. Rejects with a {@link VerifyError}, and with
   * nothing else.
   */
  verify(request: ReceivedRequest | string | null | undefined, requirements?: Requirements): Promise<Session>;
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
  const at = (path: string) => new URL(path, origin);
  const keys = createKeySet(at('/.well-known/jwks.json'), fetch);
  const stream = revocations === undefined ? null : follow(revocations);
  const checkProof = createProofCheck(options.dpop ?? {});

  return {
    async verify(presented, requirements = {}) {
      const request = typeof presented === 'object' ? presented : null;
      const authorization = typeof presented === 'object' ? request?.headers.get('authorization') : presented;
      const credentials = readCredentials(authorization);
      try {
        return await verifyCredentials(credentials, request, requirements);
      } catch (error) {
        throw credentials.isDpop && error instanceof VerifyError ? error.forDpop() : error;
      }
    },
    ready: stream?.list.ready ?? Promise.resolve(),
    close: () => stream?.list.close(),
  };

  async function verifyCredentials(
    credentials: Credentials,
    request: ReceivedRequest | null,
    requirements: Requirements,
  ): Promise<Session> {
    const { token } = credentials;
    const session = toSession(await readClaims(token));
    const dpopNonce = await checkBinding(credentials, request, session);
    if (stream !== null) await checkSession(stream, token, session);
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

  function follow(settings: StreamOptions) {
    const {
      serviceKey,
      whenLost,
      lostAfter = 30_000,
      maxSessions = 1_000_000,
      onError = () => {},
    } = settings;
    // Often a variable of the environment that is not set. The service would refuse the key, and so every session.
    if (!serviceKey) throw new TypeError('revocations.serviceKey is missing.');
    const list = followRevocations({ url: at('/revocations'), serviceKey, maxSessions, onError, fetch });
    return { list, serviceKey, whenLost, lostAfter };
  }

  async function readClaims(token: string): Promise<JWTPayload> {
    const expected = { issuer, audience, typ: 'at+jwt', clockTolerance: LEEWAY };
    try {
      const { payload } = await jwtVerify(token, keys, {
        ...expected,
        algorithms: ['EdDSA', 'ES256', 'RS256'],
        requiredClaims: ['sub', 'sid', 'iat', 'exp'],
      });
      if ((payload.exp ?? 0) * 1000 <= Date.now()) throw new errors.JWTExpired('"exp" has passed', payload);
      return payload;
    } catch (error) {
      throw toVerifyError(error);
    }
  }

  async function checkSession(
    { list, serviceKey, whenLost, lostAfter }: ReturnType<typeof follow>,
    token: string,
    { sessionId, claims }: Session,
  ): Promise<void> {
    if (list.hasEnded(sessionId)) throw invalidToken('session_ended', 'The session has ended.');
    if (isCovered(list, claims) && list.staleFor() <= lostAfter) return;
    if (whenLost === 'accept') return;
    if (whenLost === 'refuse') throw unavailable('It is not known at the moment which sessions have ended.');
    if (!(await isActive(token, { url: at('/oauth/introspect'), serviceKey, fetch })))
      throw invalidToken('session_ended', 'The session has ended.');
  }
}

/** Whether the list covers the token. A token from before a reduction of `ACCESS_TOKEN_AGE` may live too long. */
function isCovered(list: Revocations, { iat, exp }: JWTPayload): boolean {
  return list.covers((exp ?? Number.POSITIVE_INFINITY) - (iat ?? 0));
}

function toVerifyError(error: unknown): VerifyError {
  if (error instanceof VerifyError) return error;
  if (error instanceof errors.JWTExpired)
    return invalidToken('token_expired', 'The token has expired.', { cause: error });
  if (error instanceof errors.JOSEError)
    return invalidToken('token_invalid', 'The token is not accepted.', { cause: error });
  return unavailable('The token cannot be verified at the moment.', error);
}

/** Throws a TypeError if the URL has a path: the service answers at the root of its origin. */
function readOrigin(url: string): string {
  const { origin, href } = new URL(url);
  if (href !== `${origin}/`)
    throw new TypeError(`\`url\` must be an origin without a path, such as ${origin}: ${url}`);
  return origin;
}
