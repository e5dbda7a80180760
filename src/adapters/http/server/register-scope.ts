import type { App } from './app.ts';

/** Registers routes in a scope of their own, whose hooks apply to no other route. */
export async function registerScope(app: App, fill: (scope: App) => void | Promise<void>): Promise<void> {
  await app.register((inner, _options, done) => {
    Promise.resolve(fill(inner)).then(() => done(), done);
  });
}
