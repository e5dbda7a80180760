import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { PresentedDpopProof } from '../../../domain/dpop.ts';
import type { IsTrustedProxy } from './forwarding.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The DPoP proof of the request, with the method and the URL for which it must have been made. */
    readonly presentedDpopProof: PresentedDpopProof;
  }
}

/** Gives the nonce for the next proof of a client; see `DpopNonces`. */
export type CurrentNonce = () => string;

/**
 * Gives each request its `presentedDpopProof`, which is read when a route needs it. The origin in its URL is
 * `publicUrl`, or the origin of the request. If proofs need a nonce, every answer to a proof has the current nonce
 * (RFC 9449 section 8.2).
 */
export function addPresentedDpopProofs(
  app: FastifyInstance,
  publicUrl: string | null,
  currentNonce: CurrentNonce | null,
): void {
  if (currentNonce !== null)
    app.addHook('onRequest', async ({ headers }, reply) => {
      if (headers.dpop !== undefined) reply.header('dpop-nonce', currentNonce());
    });
  app.decorateRequest('presentedDpopProof', {
    getter() {
      const { method, url, protocol, host } = this as FastifyRequest;
      return {
        proof: readDpopProof(this),
        method,
        url: `${publicUrl ?? `${protocol}://${host}`}${url}`,
      };
    },
  });
}

/**
 * The proof of a request that waits at a reverse proxy. The client made it for the application, so method and URL are
 * read from the headers of a trusted proxy. Without these headers no proof is valid.
 */
export function forwardedProof(request: FastifyRequest, isTrusted: IsTrustedProxy): PresentedDpopProof {
  const proof = readDpopProof(request);
  const { headers, socket } = request;
  if (proof === null || !isTrusted(socket.remoteAddress ?? '')) return { proof, method: '', url: '' };
  const forwarded = (name: string) => String(headers[`x-forwarded-${name}`] ?? '');
  const url = `${forwarded('proto')}://${forwarded('host')}${forwarded('uri')}`;
  return { proof, method: forwarded('method'), url };
}

/** Node joins several `DPoP` headers into one value, which is never a valid proof. */
function readDpopProof({ headers }: FastifyRequest): string | null {
  const { dpop } = headers;
  return dpop === undefined ? null : String(dpop);
}
