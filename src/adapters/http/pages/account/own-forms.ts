import type { FastifyRequest } from 'fastify';
import { Refusal } from '../../../../domain/refusal.ts';
import { refuseOtherOrigin } from '../../server/cookies.ts';

/**
 * Refuses a form that a page of another origin sends. SameSite=Strict keeps the cookie out of forms of other sites. These
 * checks also hold for sibling domains, for the sign-in form, which needs no cookie, and for browsers that send only one
 * of the two headers.
 */
export function refuseForeignForm(request: FastifyRequest, publicUrl: string | null): void {
  if (request.method !== 'POST') return;
  refuseOtherOrigin(request);
  const { origin } = request.headers;
  if (origin === undefined || origin === publicUrl || hostIn(origin) === request.host) return;
  throw new Refusal('forbidden', 'A page of another origin sent this form.');
}

/** The host and port of an origin; null for the opaque origin `null`. */
function hostIn(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}
