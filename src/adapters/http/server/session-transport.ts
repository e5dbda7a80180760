import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import type { TokenPair } from '../../../app/tokens/mint-pair.ts';
import { Refusal } from '../../../domain/refusal.ts';
import type { App } from './app.ts';
import { OWN_SITES, registerCookieParser } from './cookies.ts';
import { createOriginMatcher } from './cross-origin.ts';
import { PROBLEMS } from './problems.ts';
import { SESSION_TRANSPORT } from './schemas.ts';
import { type CookieTokens, createSessionCookies, type SessionCookies } from './session-cookies.ts';

/** What a route does with the pair of a session. */
type PairUse = 'issues' | 'exchanges' | 'ends';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Absent: the route at most reads an access token. */
    readonly pairUse?: PairUse;
  }
  interface FastifyRequest {
    /** The tokens of a request that carries them in cookies; null for every other request. */
    cookieTokens: CookieTokens | null;
  }
}

export interface SessionTransportOptions {
  /** Whether browser applications may keep their pair in cookies. */
  readonly sessionCookies: boolean;
  readonly publicUrl: string | null;
  readonly corsOrigins: readonly string[];
}

const NO_TOKENS: CookieTokens = { access: undefined, refresh: undefined };

/**
 * Lets the requests of this scope carry their tokens in cookies, if the header `x-session-transport: cookie` asks for
 * it. The hooks move the tokens from the cookies to the body, and from the response to cookies. Routes need no change.
 * Must be awaited before a hook is added that reads cookies.
 */
export async function acceptSessionCookies(scope: App, options: SessionTransportOptions): Promise<void> {
  await registerCookieParser(scope);
  scope.addHook('onRoute', documentCookie);
  const cookies = createSessionCookies(options.publicUrl);
  const refuseForeignPage = createOriginCheck(options);
  scope.addHook('onRequest', async (request, reply) => {
    if (!asksForCookies(request)) return;
    assertMayUseCookies(request, options);
    refuseForeignPage(request);
    request.cookieTokens = pairUseOf(request) === 'issues' ? NO_TOKENS : readOrClear(cookies, request, reply);
  });
  scope.addHook('preValidation', async (request) => {
    if (request.cookieTokens !== null) moveTokensToBody(request, request.cookieTokens);
  });
  scope.addHook('preSerialization', async (request, reply, answer) => {
    const use = pairUseOf(request);
    if (reply.statusCode !== 200 || (use !== 'issues' && use !== 'exchanges')) return answer;
    const pair = answer as TokenPair; // the schemas of these routes have no other answer
    if (request.cookieTokens === null) return bodyOf(pair);
    cookies.set(request, reply, pair);
    return { expiresIn: pair.expiresIn };
  });
  scope.addHook('onError', async (request, reply, error) => {
    if (request.cookieTokens !== null && isPairRefused(request, error)) cookies.clear(request, reply);
  });
  scope.addHook('onSend', async (request, reply) => {
    const isEnded = pairUseOf(request) === 'ends' && reply.statusCode === 204 && !keepsSession(request);
    if (request.cookieTokens !== null && isEnded) cookies.clear(request, reply);
  });
}

/** In the documentation, each route that accepts a bearer token accepts the cookie. */
function documentCookie(route: RouteOptions): void {
  const { security = [] } = route.schema ?? {};
  if (security.some((scheme) => 'bearer' in scheme))
    route.schema = { ...route.schema, security: [...security, { browserSession: [] }] };
}

function pairUseOf({ routeOptions }: FastifyRequest): PairUse | undefined {
  return routeOptions.config.pairUse;
}

function asksForCookies({ headers }: FastifyRequest): boolean {
  const transport = headers[SESSION_TRANSPORT];
  if (transport === undefined) return false;
  if (transport === 'cookie') return true;
  throw new Refusal('invalid_request', `The header ${SESSION_TRANSPORT} accepts only the value cookie.`);
}

/** Throws if SESSION_COOKIES is off, or if the request also has `Authorization`, a DPoP proof or a `dpopJkt`. */
function assertMayUseCookies(
  { headers, query }: FastifyRequest,
  { sessionCookies }: Pick<SessionTransportOptions, 'sessionCookies'>,
): void {
  if (!sessionCookies)
    throw new Refusal('invalid_request', 'This service sets no session cookies: SESSION_COOKIES is off.');
  if (headers.dpop !== undefined || 'dpopJkt' in Object(query))
    throw new Refusal(
      'invalid_request',
      'Send a DPoP proof or use session cookies, not both: a script cannot read the token that the proof needs.',
    );
  if (headers.authorization !== undefined)
    throw new Refusal(
      'invalid_request',
      'Send the access token in Authorization, or in the cookie, not both.',
    );
}

/**
 * Refuses pages whose origin is neither the origin of this service nor an allowed one. A page of another origin cannot
 * send `x-session-transport` without a preflight. This check also holds if software in between answers preflights, or
 * if a browser has a fault.
 */
function createOriginCheck({ publicUrl, corsOrigins }: SessionTransportOptions) {
  const isAllowed = createOriginMatcher(corsOrigins);
  const isOwn = (origin: string, host: string) =>
    publicUrl === null ? URL.canParse(origin) && new URL(origin).host === host : origin === publicUrl;

  return ({ headers, host }: FastifyRequest): void => {
    const { origin, 'sec-fetch-site': site } = headers;
    const isTrusted =
      origin === undefined
        ? OWN_SITES.includes(site)
        : (site === 'same-site' || OWN_SITES.includes(site)) && (isOwn(origin, host) || isAllowed(origin));
    if (!isTrusted)
      throw new Refusal('forbidden', 'A page of an origin that is not allowed sent this request.');
  };
}

function readOrClear(cookies: SessionCookies, request: FastifyRequest, reply: FastifyReply): CookieTokens {
  try {
    return cookies.read(request);
  } catch (error) {
    cookies.clear(request, reply);
    throw error;
  }
}

/** For a route that takes a pair: puts the tokens of the cookies into the body. */
function moveTokensToBody(request: FastifyRequest, { access, refresh }: CookieTokens): void {
  const use = pairUseOf(request);
  if (use !== 'exchanges' && use !== 'ends') return;
  const body = Object(request.body);
  for (const part of [body, Object(request.query)])
    if ('refreshToken' in part || 'accessToken' in part)
      throw new Refusal(
        'invalid_request',
        'The tokens are in the cookies: send none in the query or the body.',
      );
  if (use === 'ends') request.body = refresh === undefined ? body : { ...body, refreshToken: refresh };
  else if (refresh === undefined)
    throw new Refusal('unauthenticated', 'There is no cookie with a refresh token.');
  else
    request.body = { ...body, refreshToken: refresh, ...(access !== undefined && { accessToken: access }) };
}

/** The body of an answer. Leaves out the members that only the cookies need. */
function bodyOf({ refreshExpiresIn, remembered, ...body }: TokenPair) {
  return body;
}

/** Whether a route that takes the pair refused it for good. On other routes the pair can still be refreshed. */
function isPairRefused(request: FastifyRequest, error: unknown): boolean {
  const use = pairUseOf(request);
  if ((use !== 'exchanges' && use !== 'ends') || !(error instanceof Refusal)) return false;
  return error.code === 'malformed_token' || PROBLEMS[error.code].recovery === 'login';
}

/** Whether a logout ends other sessions only. */
function keepsSession({ query }: FastifyRequest): boolean {
  return Object(query).scope === 'others';
}
