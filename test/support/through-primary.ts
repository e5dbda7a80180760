import { EventEmitter } from 'node:events';
import { connectCalls, type ProcessChannel } from '../../src/adapters/cluster/calls.ts';
import {
  createStoresClient,
  type SharedStores,
  serveStores,
} from '../../src/adapters/cluster/shared-stores.ts';
import { createMemoryAttempts } from '../../src/adapters/memory/attempts.ts';
import { createMemoryCache } from '../../src/adapters/memory/cache.ts';
import { createMemoryUsedProofs } from '../../src/adapters/memory/used-proofs.ts';

/** The memory of the primary process, as a worker uses it. Messages are copied, as between processes. */
export function throughPrimary(stores: Partial<SharedStores> = {}): SharedStores {
  const [worker, primary] = [new EventEmitter(), new EventEmitter()];
  const port = (own: EventEmitter, other: EventEmitter): ProcessChannel => ({
    send: (message) => void other.emit('message', structuredClone(message)),
    onMessage: (listener) => void own.on('message', listener),
  });
  const memory = {
    attempts: createMemoryAttempts(),
    proofAttempts: createMemoryAttempts(),
    cache: createMemoryCache(),
    usedProofs: createMemoryUsedProofs(),
    ...stores,
  };
  connectCalls(port(primary, worker), serveStores(memory));
  return createStoresClient(connectCalls(port(worker, primary), {}));
}
