import {
  type ReceivedRequest,
  type Requirements,
  type Session,
  toAnswer,
  type Verifier,
  VerifyError,
} from '@kinship/verify';
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyInstance {
    /** A hook that lets a request pass only with a valid access token, and sets `request.session`. */
    requireSession(
      requirements?: Requirements,
    ): (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
  }
  interface FastifyRequest {
    /** The session of the request. Reading it on a route without `requireSession` throws. */
    session: Session;
  }
}

export interface KinshipOptions {
  readonly verifier: Verifier;
}

const plugin: FastifyPluginCallback<KinshipOptions> = (app, { verifier }, done) => {
  const sessions = new WeakMap<FastifyRequest, Session>();
  app.decorateRequest('session', {
    getter(this: FastifyRequest): Session {
      const session = sessions.get(this);
      if (session === undefined) throw new Error('This route does not use requireSession.');
      return session;
    },
  });
  app.decorate(
    'requireSession',
    (requirements: Requirements = {}) =>
      async (request: FastifyRequest, reply: FastifyReply) => {
        try {
          const session = await verifier.verify(receivedRequest(request), requirements);
          sessions.set(request, session);
          if (session.dpopNonce !== null) reply.header('dpop-nonce', session.dpopNonce);
        } catch (error) {
          await refuse(request, reply, error);
        }
      },
  );
  app.addHook('onClose', async () => verifier.close());
  done();
};

/** The plugin: `await app.register(kinship, { verifier })`. Closing the application closes the verifier. */
export const kinship = Object.assign(plugin, {
  // Fastify registers the plugin without a scope of its own, as with `fastify-plugin`.
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: '@kinship/fastify',
});

async function refuse(request: FastifyRequest, reply: FastifyReply, error: unknown): Promise<void> {
  if (!(error instanceof VerifyError)) throw error;
  request.log.info({ code: error.code, reason: error.reason }, 'request refused');
  const { status, headers, body } = toAnswer(error);
  // For a string, Fastify adds a charset, which JSON does not have.
  await reply.code(status).headers(headers).send(new TextEncoder().encode(body));
}

/** Describes the request for the verifier. Behind a proxy the URL may be wrong: `dpop.publicUrl` replaces it. */
function receivedRequest({ method, protocol, host, originalUrl, headers }: FastifyRequest): ReceivedRequest {
  return {
    method,
    url: `${protocol}://${host}${originalUrl}`,
    headers: { get: (name) => [headers[name] ?? []].flat().join(', ') },
  };
}
