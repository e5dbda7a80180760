import { type Requirements, type Session, toAnswer, type Verifier, VerifyError } from '@kinship/verify';
import type { MiddlewareHandler } from 'hono';

/** The variables of a context behind {@link requireSession}: `c.get('session')`. */
export interface SessionVariables {
  session: Session;
}

/** Middleware that lets a request pass only with a valid access token. `c.get('session')` returns its session. */
export function requireSession(
  verifier: Verifier,
  requirements: Requirements = {},
): MiddlewareHandler<{ Variables: SessionVariables }> {
  return async (c, next) => {
    let session: Session;
    try {
      session = await verifier.verify(c.req.raw, requirements);
    } catch (error) {
      if (!(error instanceof VerifyError)) throw error;
      const { status, headers, body } = toAnswer(error);
      return new Response(body, { status, headers });
    }
    c.set('session', session);
    await next();
    // Set after the handler: a response that the handler did not make with `c` would lack a header that was set before.
    if (session.dpopNonce !== null) c.header('dpop-nonce', session.dpopNonce);
    return undefined;
  };
}
