import { decodeProtectedHeader, errors } from 'jose';
import { invalidToken, unavailable, VerifyError } from './errors.js';
import { quote } from './log-text.js';

/** What a token must hold. */
export interface ExpectedToken {
  readonly issuer: readonly string[];
  readonly audience: readonly string[];
  readonly algorithms: readonly string[];
}

/**
 * The refusal of a token that jose did not accept. Its message goes to the client, and names no expected value. Its
 * reason goes to the developer, and also names the value in the token and the expected value.
 */
export function toTokenRefusal(error: unknown, token: string, expected: ExpectedToken): VerifyError {
  if (error instanceof VerifyError) return error;
  if (error instanceof errors.JWTExpired)
    return invalidToken('token_expired', 'The token has expired.', {
      cause: error,
      reason: describeAge(error),
    });
  if (error instanceof errors.JWTClaimValidationFailed) return toClaimRefusal(error, expected);
  if (error instanceof errors.JOSEAlgNotAllowed) return toAlgorithmRefusal(error, token, expected);
  if (error instanceof errors.JWKSNoMatchingKey)
    return invalidToken('token_invalid', 'The key of the token is not published.', { cause: error });
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return invalidToken('token_invalid', 'The signature of the token is not valid.', { cause: error });
  if (error instanceof errors.JOSEError)
    return invalidToken('token_invalid', 'The token is malformed.', { cause: error });
  return unavailable('The token cannot be verified at the moment.', { cause: error });
}

/** The signature is valid, so the service wrote these claims. */
function toClaimRefusal(
  error: errors.JWTClaimValidationFailed,
  { issuer, audience }: ExpectedToken,
): VerifyError {
  const { claim, payload } = error;
  if (claim === 'iss')
    return invalidToken('token_invalid', 'The token has another issuer.', {
      cause: error,
      reason: `The issuer of the token is ${quote(payload.iss)}, expected ${quoteAll(issuer)}.`,
      setting: 'issuer',
    });
  if (claim === 'aud')
    return invalidToken('token_invalid', 'The token is for another audience.', {
      cause: error,
      reason: `The audience of the token is ${quote(payload.aud)}, expected ${quoteAll(audience)}.`,
      setting: 'audience',
    });
  const message =
    claim === 'nbf'
      ? 'The token is not valid yet.'
      : claim === 'typ'
        ? 'The token is no access token.'
        : 'A claim of the token is missing or has a wrong type.';
  return invalidToken('token_invalid', message, { cause: error });
}

/** Refresh tokens have the algorithm HS512, and so have access tokens by default. */
function toAlgorithmRefusal(cause: unknown, token: string, { algorithms }: ExpectedToken): VerifyError {
  const { alg, typ } = decodeProtectedHeader(token);
  if (typ === 'rt+jwt')
    return invalidToken('token_invalid', 'This is a refresh token: send the access token.', { cause });
  return invalidToken('token_invalid', 'The algorithm of the token is not accepted.', {
    cause,
    reason: `The algorithm of the token is ${quote(alg)}, expected ${quoteAll(algorithms)}.`,
    setting: 'ACCESS_TOKEN_ALG',
  });
}

/** The age shows a clock that is wrong: a fresh token should not have expired. */
function describeAge({ payload }: errors.JWTExpired): string {
  const seconds = Math.round(Date.now() / 1000 - Number(payload.exp));
  return `The token expired ${seconds} s ago by the clock of this machine.`;
}

const quoteAll = (values: readonly string[]) => values.map(quote).join(' or ');
