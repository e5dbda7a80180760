import type { FastifyReply, FastifyRequest } from 'fastify';
import { onlyCookie, tokenCookie } from './cookies.ts';

/** The form of every value that this service sets: see `PageSecrets`. */
const VALUE = /^[\w-]{43}$/;

export type PageCookie = ReturnType<typeof createPageCookie>;

/**
 * The cookie of signed-in pages: of an account, or of the console. With an https `publicUrl`, its name has the prefix
 * `__Host-`. Then a sibling domain cannot set the cookie, and a browser keeps at most one. Without TLS, browsers refuse
 * the prefix.
 *
 * @param paths the paths for which another page of this host may have planted a cookie of the same name
 */
export function createPageCookie(
  baseName: string,
  publicUrl: string | null,
  paths: readonly string[] = ['/'],
) {
  const options = tokenCookie('/', publicUrl);
  const name = options.secure ? `__Host-${baseName}` : baseName;

  return {
    /** The value of a request; null without the cookie. Throws a `Refusal` if there are several. */
    read(request: FastifyRequest): string | null {
      const value = onlyCookie(request, name);
      return value !== undefined && VALUE.test(value) ? value : null;
    },
    isSent: ({ cookies }: FastifyRequest): boolean => cookies[name] !== undefined,
    set: (reply: FastifyReply, value: string) => reply.setCookie(name, value, options),
    clear(reply: FastifyReply): FastifyReply {
      for (const path of paths) reply.clearCookie(name, { ...options, path });
      return reply;
    },
  };
}
