import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { Refusal } from '../../../domain/refusal.ts';
import { MAX_USER_ID, type UserIdFormat } from '../../../domain/user-id.ts';
import { errorCode } from '../../../lib/errors.ts';
import type { Tracing } from '../../../ports/tracing.ts';
import { enableGracefulShutdown, type ShutdownTimes } from './closing.ts';
import { buildSerializer, buildValidator } from './compilers.ts';
import {
  answerPreflights,
  anyOriginHeaders,
  createCrossOriginHeaders,
  mayCarryCookies,
} from './cross-origin.ts';
import { answerInTime } from './deadline.ts';
import { createTrustedProxyCheck, warnOfUnusableForwarding } from './forwarding.ts';
import { acceptJsonBodies, fillOptionalBodies, ignoreEmptyBodies } from './json-body.ts';
import { refuseUnknownRoutes } from './methods.ts';
import { createOpenResponses } from './open-responses.ts';
import { addPresentedDpopProofs, type CurrentNonce } from './presented-dpop-proof.ts';
import { answerErrors, sendProblem } from './problem-answers.ts';
import { Problem } from './problems.ts';
import { protectionHeaders } from './protection.ts';
import { onRequestEnd } from './request-end.ts';
import { createSocketRefusals } from './socket-refusals.ts';
import { traceRequests } from './trace-requests.ts';
import { acceptUserIdFormat } from './user-ids.ts';
import { explainValidation } from './validation-messages.ts';

/** Sizes in bytes, times in milliseconds. */
export interface ServerLimits extends ShutdownTimes {
  readonly body: number;
  readonly headersTimeout: number;
  readonly requestTimeout: number;
  readonly handlerTimeout: number;
}

export const LIMITS: ServerLimits = {
  body: 64 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  handlerTimeout: 20_000,
  drain: 500,
  finish: 6_000,
};

export interface ServerOptions {
  readonly log: FastifyBaseLogger;
  /** Addresses and CIDRs of proxies whose X-Forwarded-For is trusted. */
  readonly trustProxy: readonly string[];
  /** Origins, and patterns such as `https://*.example.com`. */
  readonly corsOrigins: readonly string[];
  /** Whether pages of these origins may send requests with session cookies. */
  readonly sessionCookies: boolean;
  /** The origin under which clients reach the service; null if it is unknown. */
  readonly publicUrl: string | null;
  /** Default: `uuid`. */
  readonly userIdFormat?: UserIdFormat;
  /** Null or absent: DPoP proofs need no nonce. */
  readonly currentNonce?: CurrentNonce | null;
  readonly limits?: Partial<ServerLimits>;
  readonly tracing?: Tracing | null;
  /** Called at the end of each request. */
  readonly onRequestEnded?: (ended: EndedRequest) => void;
}

/** `path` is the pattern of the route, or `none`. `status`: 499 if the connection was closed before an answer. */
interface EndedRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly milliseconds: number;
}

/**
 * The server, or a scope of it. A scope is an encapsulated plugin context of Fastify: its hooks apply to its own routes
 * only. The schemas of a route give its handler its types.
 */
export type App = FastifyInstance<
  import('node:http').Server,
  IncomingMessage,
  import('node:http').ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** Creates the server without routes: limits, body parsers, problems, headers and the request log. */
export function createServer(options: ServerOptions): App {
  const { log, trustProxy, limits, userIdFormat = 'uuid', tracing = null, onRequestEnded } = options;
  const { body, drain, finish, handlerTimeout, requestTimeout, headersTimeout } = { ...LIMITS, ...limits };
  const isTrustedProxy = createTrustedProxyCheck(trustProxy);
  const headers = createAnswerHeaders(options);
  const responses = createOpenResponses();
  const socketRefusals = createSocketRefusals(headers.withoutRequest, responses);
  const app = fastify({
    loggerInstance: log,
    logController: createLogController(),
    trustProxy: trustProxy.length > 0 ? isTrustedProxy : false,
    bodyLimit: body,
    requestTimeout,
    http: {
      headersTimeout,
      connectionsCheckingInterval: Math.min(1_000, headersTimeout),
      requireHostHeader: false, // Node's own refusal has no body: see refuseUnclearHost
    },
    rewriteUrl: toOriginForm,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH[userIdFormat] },
    exposeHeadRoutes: true,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    requestIdHeader: false,
    genReqId: chooseRequestId,
    schemaController: { compilersFactory: { buildValidator, buildSerializer } },
    frameworkErrors: (error, request, reply) => {
      reply.headers(headers.forRequest(request)); // Fastify runs no hooks for these errors
      sendProblem(error, request, reply);
    },
    clientErrorHandler: socketRefusals.answerClientError,
  }).withTypeProvider<TypeBoxTypeProvider>();

  // By default Node drops all headers after the first 2,000. Behind a proxy, it would drop the headers of the proxy.
  app.server.maxHeadersCount = 0;
  app.addSchema(Problem);
  app.decorateRequest('principal', null);
  app.decorateRequest('changeOrigin', null);
  app.decorateRequest('cookieTokens', null);
  if (tracing !== null) traceRequests(app, tracing);
  reportRequests(app, onRequestEnded);
  addPresentedDpopProofs(app, options.publicUrl, options.currentNonce ?? null);
  answerErrors(app);
  acceptJsonBodies(app);
  ignoreEmptyBodies(app);
  fillOptionalBodies(app);
  explainValidation(app, userIdFormat);
  acceptUserIdFormat(app, userIdFormat);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(headers.forRequest(request));
    refuseUnclearHost(request);
    refuseUndecodable(request);
  });
  responses.track(app.server);
  app.server.on('connection', requirePeerAddress);
  app.server.on('connect', socketRefusals.refuseConnect);
  app.server.on('checkExpectation', socketRefusals.refuseExpectation);
  answerPreflights(app);
  refuseUnknownRoutes(app);
  warnOfUnusableForwarding(app, isTrustedProxy);
  answerInTime(app, handlerTimeout);
  enableGracefulShutdown(app, responses, { drain, finish });
  return app;
}

/** Turns off Fastify's own log of requests. Logs the error that cuts off an answer, unless the client has left. */
function createLogController(): LogController {
  return Object.assign(new LogController({ disableRequestLogging: true }), {
    streamError(error: Error, { log }: FastifyRequest) {
      if (errorCode(error) !== 'ERR_STREAM_PREMATURE_CLOSE') log.warn({ err: error }, 'answer cut off');
    },
  });
}

/** Must be called before a hook is added that may refuse a request. */
function reportRequests(app: App, onEnded: ServerOptions['onRequestEnded']): void {
  app.addHook('onRequest', async ({ method, routeOptions, log }, reply) => {
    // The pattern, not the URL: a client may put a token anywhere in a URL.
    const path = routeOptions.url ?? 'none';
    onRequestEnd(reply, ({ status, milliseconds, isAnswered }) => {
      const facts = { method, route: path, status, ms: roundToTenth(milliseconds) };
      // Probes repeat every few seconds, and would hide the other lines.
      const level = path.startsWith('/health/') && isAnswered && status < 400 ? 'debug' : 'info';
      log[level](facts, isAnswered ? 'answered' : 'the connection was closed before the end of the answer');
      onEnded?.({ method, path, status, milliseconds });
    });
  });
}

/** In UTF-16 code units. A character has one or two of them. */
const MAX_PARAM_LENGTH: Readonly<Record<UserIdFormat, number>> = { uuid: 200, text: 2 * MAX_USER_ID };

/** Creates the functions that return the headers of answers, sent by the framework or written to the socket. */
function createAnswerHeaders({ corsOrigins, publicUrl, sessionCookies }: ServerOptions) {
  const protection = protectionHeaders(publicUrl);
  const crossOrigin = createCrossOriginHeaders(corsOrigins);
  const anyOrigin = anyOriginHeaders(corsOrigins);
  return {
    forRequest: (request: FastifyRequest) => ({
      ...protection,
      ...crossOrigin(request.headers.origin, mayCarryCookies(request, sessionCookies)),
      'x-request-id': request.id,
    }),
    withoutRequest: (origin: string | undefined) => ({
      ...protection,
      ...(origin === undefined ? anyOrigin : crossOrigin(origin)),
    }),
  };
}

/**
 * Reads the address of the peer, which Node then keeps. Later the address may be unknown: a client can reset its
 * connection after a complete request, which is still processed.
 */
function requirePeerAddress(socket: Socket): void {
  if (socket.remoteAddress === undefined) socket.destroy();
}

/** Keeps a valid `X-Request-Id` of the caller, so that the logs of both sides can be correlated. */
function chooseRequestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[\x21-\x7e]{1,128}$/.test(given) ? given : randomUUID();
}

/**
 * Requires exactly one Host (RFC 9112 section 3.2); HTTP/1.0 may omit it. Node uses the first of several fields, and a
 * proxy may use the last one.
 */
function refuseUnclearHost({ raw }: FastifyRequest): void {
  const hosts = raw.rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host');
  if (hosts.length > 1) throw new Refusal('invalid_request', 'There is more than one Host header. Send one.');
  if (hosts.length === 0 && raw.httpVersion !== '1.0')
    throw new Refusal('invalid_request', 'There is no Host header.');
  if (!HOST.test(raw.headers.host ?? ''))
    throw new Refusal('invalid_request', 'The Host header is not a valid host.');
}

/** A host and a port (RFC 3986 section 3.2). */
const HOST = /^(?:\[[\da-f:.]+\]|[\w.~!$&'()*+,;=%-]*)(?::\d*)?$/i;

/**
 * The path and query of the request target. The host of a target in absolute form replaces `Host` (RFC 9112 section
 * 3.2.2).
 */
function toOriginForm({ url = '', headers }: IncomingMessage): string {
  const [, host, path = ''] = /^https?:\/\/([^/?#]*)(.*)$/i.exec(url) ?? [];
  if (host === undefined) return url;
  headers.host = host;
  return path.startsWith('/') ? path : `/${path}`;
}

/** The query parser accepts an invalid escape as text. The router already refuses an invalid escape in a path. */
function refuseUndecodable({ url }: FastifyRequest): void {
  const query = url.indexOf('?');
  try {
    if (query >= 0) decodeURIComponent(url.slice(query + 1));
  } catch (cause) {
    throw new Refusal('invalid_request', 'The query cannot be decoded.', { cause });
  }
}

function roundToTenth(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}
