import type { RefusalCode } from './refusal.ts';
import type { TokenFamily } from './token-family.ts';

/** The OAuth client that a request names by `client_id` or authenticates as. */
export interface OAuthClient {
  readonly id: string;
  readonly isAuthenticated: boolean;
}

/**
 * Why this client may not use a token of the session, or null. `client` is null where the request names no client.
 * Rules: RFC 6749 sections 3.2.1 and 6, RFC 7009 section 2.1.
 */
export function clientFault(
  session: Pick<TokenFamily, 'clientId' | 'confidential'>,
  client: OAuthClient | null,
): { readonly code: RefusalCode; readonly detail: string } | null {
  if (client !== null && client.id !== session.clientId)
    return { code: 'invalid_token', detail: 'The token was issued to another client.' };
  if (session.confidential && client?.isAuthenticated !== true)
    return {
      code: 'unauthenticated',
      detail: 'The session is confidential: authenticate with the service key that opened it.',
    };
  return null;
}
