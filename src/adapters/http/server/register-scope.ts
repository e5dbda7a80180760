import type { App } from './app.ts';

/**
 * Registers routes in a new scope: see {@link App}. `fill` adds the hooks and the routes of the scope. The paths of its
 * routes begin with the prefix.
 */
export async function registerScope(
  app: App,
  fill: (scope: App) => void | Promise<void>,
  prefix = '',
): Promise<void> {
  await app.register(
    (inner, _options, done) => {
      Promise.resolve(fill(inner)).then(() => done(), done);
    },
    { prefix },
  );
}
