import type { FastifyRequest } from 'fastify';
import type { KeyBindingInput } from '../../../app/sessions/decide-key-binding.ts';
import type { Login } from '../../../domain/login.ts';
import { Refusal } from '../../../domain/refusal.ts';
import { OWN_CLIENT_ID, type ServiceKey } from '../../../domain/service-key.ts';
import { hostOf, isLoopback } from '../../../lib/hosts.ts';
import { canonicalIpAddress } from './ip-address.ts';
import { ServiceKeyRefusal } from './log-security-event.ts';
import { createPresentedKeyFinder } from './service-keys.ts';

/** Which callers may log a user in by id; see LOGIN_BY_USER_ID. */
export type LoginByUserId = 'key' | 'local' | 'open' | 'off';

/** Returns the client for which the session is opened. Throws unless the caller may log users in by id. */
export type AuthorizeLogin = (
  request: FastifyRequest,
) => Pick<Login, 'clientId' | 'confidential'> & Pick<KeyBindingInput, 'mustBind'>;

/**
 * Creates the check of callers who log users in by id. With `off` every caller is refused. With `open` every caller
 * without a key is accepted, with `local` every program on this machine without a key. Other callers need a service key
 * with the scope `login`. A key that a caller presents must be valid in these modes, too, and have this scope. The
 * check throws a {@link Refusal}: `unauthenticated`, `forbidden`.
 */
export function createLoginAuthorizer(mode: LoginByUserId, keys: readonly ServiceKey[]): AuthorizeLogin {
  const findKey = createPresentedKeyFinder(keys);

  return (request) => {
    if (mode === 'off') throw new Refusal('forbidden', 'Login by user id is switched off.');
    const key = findKey(request);
    if (key !== null) {
      if (!key.scopes.includes('login'))
        throw new ServiceKeyRefusal('forbidden', 'This service key may not log users in.');
      return {
        clientId: key.name,
        confidential: key.scopes.includes('confidential'),
        mustBind: key.scopes.includes('dpop'),
      };
    }
    if (mode === 'open' || (mode === 'local' && isLocal(request))) return { clientId: OWN_CLIENT_ID };
    throw new Refusal('unauthenticated', mode === 'local' ? `${KEY_NEEDED} ${NOT_LOCAL}` : KEY_NEEDED);
  };
}

const KEY_NEEDED = 'A service key with scope "login" is needed in x-api-key.';
const NOT_LOCAL =
  'A request from this machine to localhost needs none, unless it has x-forwarded-for or a similar header, or a page of another site caused it.';

/** Headers by which proxies, load balancers and content delivery networks name the client or themselves. */
const FORWARDING =
  /^(?:forwarded|forwarded-for|via|cdn-loop|true-client-ip|x-(?:forwarded|original|real|client|cluster-client|envoy|amzn|azure)(?:-.+)?|(?:cf|fastly|fly)-.+)$/;

/**
 * Whether the request comes directly from a program on this machine. False if the request passed a proxy, or if a page
 * of another site caused it. Also false for a foreign `Host` that resolves to this machine (DNS rebinding).
 */
function isLocal({ headers, socket }: FastifyRequest): boolean {
  const peer = canonicalIpAddress(socket.remoteAddress ?? '') ?? '';
  return (
    isLoopback(peer) &&
    !Object.keys(headers).some((name) => FORWARDING.test(name)) &&
    isLoopback(hostOf(`http://${headers.host}`)) &&
    (headers.origin === undefined || isLoopback(hostOf(headers.origin))) &&
    headers['sec-fetch-site'] !== 'cross-site'
  );
}
