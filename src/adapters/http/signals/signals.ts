import type { FastifyRequest } from 'fastify';
import type { ServiceKey } from '../../../domain/service-key.ts';
import type { App } from '../server/app.ts';
import { bearerOf, createPresentedKeyFinder, requireScope } from '../server/service-keys.ts';
import { type StatusOptions, statusRoutes } from './status.ts';
import { type ReadReceiver, type StreamOptions, streamRoutes } from './streams.ts';

export interface SignalOptions extends StreamOptions, StatusOptions {
  readonly serviceKeys: readonly ServiceKey[];
}

/**
 * The management API of Shared Signals (SSF 1.0). It needs a service key with scope `signals`, in `x-api-key` or as a
 * bearer token. A key sees its own streams only. Must be registered in a scope of its own.
 */
export function signalRoutes(scope: App, options: SignalOptions): void {
  const findKey = createPresentedKeyFinder(options.serviceKeys);
  const receivers = new WeakMap<FastifyRequest, string>();
  scope.addHook('onRequest', async (request, reply) => {
    const { name } = requireScope(findKey(request, bearerOf(request)), 'signals', {
      missing: 'A service key with scope "signals" is needed in x-api-key, or as Authorization: Bearer …',
      forbidden: 'This service key does not have the scope "signals".',
    });
    receivers.set(request, name);
    reply.header('cache-control', 'no-store');
  });
  const readReceiver: ReadReceiver = (request) => {
    const name = receivers.get(request);
    if (name === undefined) throw new Error('This route is not in a scope that requires a service key.');
    return name;
  };
  streamRoutes(scope, options, readReceiver);
  statusRoutes(scope, options, readReceiver);
}
