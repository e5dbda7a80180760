import {
  type ReceivedRequest,
  type Requirements,
  type Session,
  toAnswer,
  type Verifier,
  VerifyError,
} from '@kinship/verify';
import type { Request, RequestHandler } from 'express';

const sessions = new WeakMap<Request, Session>();

/** Middleware that lets a request pass only with a valid access token. `sessionOf(req)` returns its session. */
export function requireSession(verifier: Verifier, requirements: Requirements = {}): RequestHandler {
  return (req, res, next) => {
    verifier.verify(receivedRequest(req), requirements).then(
      (session) => {
        sessions.set(req, session);
        if (session.dpopNonce !== null) res.set('dpop-nonce', session.dpopNonce);
        next();
      },
      (error: unknown) => {
        if (!(error instanceof VerifyError)) return next(error);
        const { status, headers, body } = toAnswer(error);
        res.writeHead(status, headers).end(body);
      },
    );
  };
}

/** The session of a request. Throws on a route without {@link requireSession}. */
export function sessionOf(req: Request): Session {
  const session = sessions.get(req);
  if (session === undefined) throw new Error('This route does not use requireSession.');
  return session;
}

/** Describes the request for the verifier. Behind a proxy the URL may be wrong: `dpop.publicUrl` replaces it. */
function receivedRequest(req: Request): ReceivedRequest {
  return {
    method: req.method,
    url: `${req.protocol}://${req.headers.host}${req.originalUrl}`,
    headers: { get: (name) => req.get(name) },
  };
}
