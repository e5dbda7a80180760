import type { FastifyRequest } from 'fastify';
import { Refusal } from '../../../domain/refusal.ts';
import { OWN_SITES } from './cookies.ts';

/** Whether the method only reads (RFC 9110 section 9.2.1). */
export function isReadOnly({ method }: FastifyRequest): boolean {
  return method === 'GET' || method === 'HEAD';
}

/**
 * Refuses a change that a page of another origin sends. SameSite=Strict keeps the cookie out of requests of other
 * sites. This check also covers pages of sibling domains, and forged sign-ins, which need no cookie.
 */
export function refuseForeignChange(request: FastifyRequest, publicUrl: string | null): void {
  if (!isReadOnly(request)) refuseForeignPage(request, publicUrl);
}

/** Refuses a request of any method that a page of another origin causes. */
export function refuseForeignPage(request: FastifyRequest, publicUrl: string | null): void {
  if (isFromForeignPage(request, publicUrl))
    throw new Refusal('forbidden', 'A page of another origin caused this request.');
}

/**
 * Whether a page of another origin causes the request. A page of a sibling subdomain is same-site: even SameSite=Strict
 * cookies are sent with its requests. Older browsers send only one of the headers `Origin` and `Sec-Fetch-Site`.
 */
export function isFromForeignPage({ headers, host }: FastifyRequest, publicUrl: string | null): boolean {
  const { origin, 'sec-fetch-site': site } = headers;
  if (!OWN_SITES.includes(site)) return true;
  if (origin === undefined || origin === publicUrl) return false;
  // An attacker on the network can serve pages of the public host without TLS. So for this host the scheme counts too.
  const originHost = hostIn(origin);
  return originHost !== host || (publicUrl !== null && originHost === hostIn(publicUrl));
}

/** The host and port of an origin; null for the opaque origin `null`. */
function hostIn(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}
