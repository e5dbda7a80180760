import { invalidToken, VerifyError } from './errors.js';

/** A request as the application received it, such as a `Request` of the Fetch standard. */
export interface ReceivedRequest {
  readonly method: string;
  /** Absolute, with the host that the client asked for. */
  readonly url: string;
  /** Returns the value of a header. Several headers of one name are one value, separated by commas. */
  readonly headers: { get(name: 'authorization' | 'dpop'): string | null | undefined };
}

/** The access token of a request, and its scheme. */
export interface Credentials {
  readonly token: string;
  /** Whether the scheme is `DPoP`, which bound tokens need. */
  readonly isDpop: boolean;
}

/** The maximum number of characters of a token. */
const MAX_TOKEN = 8 * 1024;

/** Reads an `Authorization` header. Throws `token_missing` or `token_invalid`. */
export function readCredentials(authorization: string | null | undefined): Credentials {
  if (!authorization)
    throw new VerifyError('token_missing', 'There is no access token.', { schemes: ['Bearer', 'DPoP'] });
  const [, scheme = '', token = ''] = /^(Bearer|DPoP) +([\w.~+/=-]+)$/i.exec(authorization) ?? [];
  if (token === '' || token.length > MAX_TOKEN)
    throw invalidToken('token_invalid', 'The Authorization header holds no access token.');
  return { token, isDpop: scheme.toLowerCase() === 'dpop' };
}
