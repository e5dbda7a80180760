import type { FastifyRequest } from 'fastify';
import type { RefreshCaller } from '../../../app/sessions/verify-refresh.ts';
import type { OAuthClient } from '../../../domain/oauth-client.ts';
import { clientInfoOf } from './client-info.ts';

/** The caller of a refresh or a step-up. The schema of the route bounds the header `Idempotency-Key`. */
export function callerOf(
  request: FastifyRequest<{ Headers: { 'idempotency-key'?: string } }>,
  oauthClient: OAuthClient | null,
): RefreshCaller {
  return {
    idempotencyKey: request.headers['idempotency-key'] ?? null,
    client: clientInfoOf(request),
    oauthClient,
    presented: request.presentedDpopProof,
  };
}
