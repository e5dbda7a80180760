import type { FastifyInstance } from 'fastify';

/**
 * Says once that somebody who is not trusted as a proxy sends X-Forwarded-For: either a client that tries, or a
 * proxy that TRUST_PROXY does not name, and then all its clients seem to have one address.
 */
export function warnOfUntrustedProxies(app: FastifyInstance): void {
  let warned = false;
  app.addHook('onRequest', async (request) => {
    if (warned || request.headers['x-forwarded-for'] === undefined || isTrusted(request.ips)) return;
    warned = true;
    const peer = request.socket.remoteAddress;
    request.log.warn({ peer }, 'X-Forwarded-For is ignored: TRUST_PROXY does not name the peer that sent it');
  });
}

/** The framework lists the chain up to the first address that is not trusted, the peer itself included. */
function isTrusted(chain: readonly string[] | undefined): boolean {
  return chain !== undefined && chain.length > 1;
}
