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
 * @param paths the paths at which `clear` deletes the cookie. Another page of this host may have set a false cookie
 * there
 */
export function createPageCookie(
  baseName: string,
  publicUrl: string | null,
  paths: readonly string[] = ['/'],
) {
  const options = tokenCookie('/', publicUrl);
  const name = options.secure ? `__Host-${baseName}` : baseName;

  return {
    /**
     * Returns the value of the cookie; null if the cookie is missing or its value has another form. Throws a `Refusal`
     * if there are several cookies.
     */
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
