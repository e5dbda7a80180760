import type { FastifyReply, FastifyRequest } from 'fastify';
import { onlyCookie, tokenCookie } from '../../server/cookies.ts';

/** The form of every value that this service sets: see `PageSecrets`. */
const VALUE = /^[\w-]{43}$/;

/** Where another page of this host may have planted a cookie of the same name. */
const PATHS = ['/', '/account'];

export type PageCookie = ReturnType<typeof pageCookie>;

/**
 * The cookie of the account pages. With an https `publicUrl` its name has the prefix `__Host-`: a sibling domain cannot
 * set it, and a browser keeps at most one. Without TLS, browsers refuse the prefix.
 */
export function pageCookie(publicUrl: string | null) {
  const options = tokenCookie('/', publicUrl);
  const name = options.secure ? '__Host-kinship_account' : 'kinship_account';

  return {
    /** The value of a request; null without the cookie. Throws a `Refusal` if there are several. */
    read(request: FastifyRequest): string | null {
      const value = onlyCookie(request, name);
      return value !== undefined && VALUE.test(value) ? value : null;
    },
    isSent: ({ cookies }: FastifyRequest): boolean => cookies[name] !== undefined,
    set: (reply: FastifyReply, value: string) => reply.setCookie(name, value, options),
    clear(reply: FastifyReply): void {
      for (const path of PATHS) reply.clearCookie(name, { ...options, path });
    },
  };
}
