import type { App } from './app.ts';

/** Routes with hooks of their own, which hold in there and nowhere else. */
export async function scope(app: App, fill: (scope: App) => void | Promise<void>): Promise<void> {
  await app.register((inner, _options, done) => {
    Promise.resolve(fill(inner)).then(() => done(), done);
  });
}
