import type { FastifyRequest } from 'fastify';
import type { FindOperator } from '../../../app/operators/find-operator.ts';
import { byOperator, byServiceKey, type ChangeOrigin } from '../../../domain/audit.ts';
import { Refusal } from '../../../domain/refusal.ts';
import type { ServiceKey } from '../../../domain/service-key.ts';
import { statedReasonFault } from '../../../domain/visible-text.ts';
import type { App } from './app.ts';
import { clientInfoOf } from './client-info.ts';
import { registerCookieParser } from './cookies.ts';
import { logSecurityEvent } from './log-security-event.ts';
import { isReadOnly, refuseForeignChange } from './own-origin.ts';
import { createPageCookie } from './page-cookie.ts';
import { createPresentedKeyFinder, requireScope } from './service-keys.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set in scopes with {@link requireOperator}; null elsewhere. */
    changeOrigin: ChangeOrigin | null;
  }
}

const MISSING =
  'A service key with scope "admin" is needed in x-api-key. A sign-in works, too, if the console is on.';

export interface OperatorOptions {
  readonly serviceKeys: readonly ServiceKey[];
  readonly publicUrl: string | null;
  readonly findOperator: FindOperator;
}

/** The common part of the schemas of operator routes. */
export const operatorSchema = { tags: ['operations'], security: [{ serviceKey: [] }] };

export const createOperatorCookie = (publicUrl: string | null) =>
  createPageCookie('kinship_console', publicUrl);

/**
 * Requires a service key with scope `admin`, or the cookie of a signed-in operator, for every route of this scope. If
 * `withCookie` is false, only keys are accepted. A change with the cookie must come from a page of this service and
 * state a reason. Each such change is logged.
 */
export async function requireOperator(
  app: App,
  { serviceKeys, publicUrl, findOperator }: OperatorOptions,
  withCookie: boolean,
): Promise<void> {
  if (withCookie) await registerCookieParser(app);
  const cookie = createOperatorCookie(publicUrl);
  const findKey = createPresentedKeyFinder(serviceKeys);
  app.addHook('onRequest', async (request) => {
    const key = findKey(request);
    const secret = withCookie && key === null ? cookie.read(request) : null;
    if (secret === null) {
      const { name } = requireScope(key, 'admin', {
        missing: MISSING,
        forbidden: 'This service key does not have the scope "admin".',
      });
      request.changeOrigin = byServiceKey(name, clientInfoOf(request));
      return;
    }
    refuseForeignChange(request, publicUrl);
    const operator = await findOperator(secret, clientInfoOf(request));
    if (operator === null) throw new Refusal('unauthenticated', 'The session of the console has ended.');
    const reason = isReadOnly(request) ? null : reasonOf(request);
    if (reason !== null) logSecurityEvent(request, 'operator_acted', { userId: operator.userId, reason });
    request.changeOrigin = byOperator(operator.userId, reason, clientInfoOf(request));
  });
}

/** The origin of a change under `/admin`. */
export function adminOrigin(request: FastifyRequest): ChangeOrigin {
  if (request.changeOrigin === null)
    throw new Error('This route is not in a scope that requires an operator.');
  return request.changeOrigin;
}

/** The reason of a change in `x-reason`, percent-encoded because a header holds ASCII only. */
function reasonOf({ headers }: FastifyRequest): string {
  const reason = decodeReason(String(headers['x-reason'] ?? '')).trim();
  const fault = statedReasonFault(reason);
  if (fault !== null) throw new Refusal('invalid_request', `The reason in the header X-Reason ${fault}.`);
  return reason;
}

function decodeReason(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch (cause) {
    throw new Refusal('invalid_request', 'The header X-Reason cannot be decoded.', { cause });
  }
}
