import type { FastifyReply, FastifyRequest } from 'fastify';
import type { TokenPair } from '../../../app/tokens/mint-pair.ts';
import { Refusal } from '../../../domain/refusal.ts';
import { onlyCookie, tokenCookie } from './cookies.ts';

/** The tokens in the cookies of a request. */
export interface CookieTokens {
  readonly access: string | undefined;
  readonly refresh: string | undefined;
}

/** The form of every value that this service sets. */
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;

export type SessionCookies = ReturnType<typeof createSessionCookies>;

/**
 * The cookies that hold the pair of a browser application. With an https `publicUrl` their names begin with `__Host-`.
 * A sibling domain cannot set such a cookie, and a browser keeps at most one of each name. Without TLS, browsers refuse
 * the prefix.
 */
export function createSessionCookies(publicUrl: string | null) {
  // Lax: a link from another site opens the application with its session.
  const attributes = { ...tokenCookie('/', publicUrl), sameSite: 'lax' } as const;
  const prefix = attributes.secure ? '__Host-' : '';
  const names = { access: `${prefix}kinship_access`, refresh: `${prefix}kinship_refresh` } as const;

  /** Paths for which another page of this host may have planted a cookie that this route gets. */
  const plantedPaths = (request: FastifyRequest) =>
    attributes.secure ? [] : pathsAbove(request.routeOptions.url ?? '/');

  function clearAt(reply: FastifyReply, paths: readonly string[]): void {
    for (const name of Object.values(names))
      for (const path of paths) reply.clearCookie(name, { ...attributes, path });
  }

  return {
    names,

    /**
     * Throws a {@link Refusal} `unauthenticated` for a cookie that this service cannot have set, or that comes twice.
     */
    read(request: FastifyRequest): CookieTokens {
      return { access: readToken(request, names.access), refresh: readToken(request, names.refresh) };
    },

    /** Sets both cookies. Without `remembered` the browser removes them when it is closed. */
    set(request: FastifyRequest, reply: FastifyReply, pair: TokenPair): void {
      clearAt(reply, plantedPaths(request));
      const options = { ...attributes, ...(pair.remembered && { maxAge: pair.refreshExpiresIn }) };
      for (const half of ['access', 'refresh'] as const) reply.setCookie(names[half], pair[half], options);
    },

    /** Removes both cookies, and planted cookies of the same names. */
    clear: (request: FastifyRequest, reply: FastifyReply) => clearAt(reply, ['/', ...plantedPaths(request)]),
  };
}

function readToken(request: FastifyRequest, name: string): string | undefined {
  const value = onlyCookie(request, name, 'unauthenticated');
  if (value === undefined || TOKEN.test(value)) return value;
  throw new Refusal('unauthenticated', `The cookie ${name} is not a token of this service.`);
}

/** The paths other than `/` whose cookies may reach this route, each with and without a slash at the end. */
function pathsAbove(route: string): string[] {
  const segments = route.split('/').filter((segment) => segment !== '' && !segment.startsWith(':'));
  const paths = segments.map((_, index) => `/${segments.slice(0, index + 1).join('/')}`);
  return paths.flatMap((path) => [path, `${path}/`]);
}
