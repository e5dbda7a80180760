import type { App } from './app.ts';
import { Empty, problems } from './schemas.ts';

/** A path under which another service had its documentation. */
export function leadToDocs(app: App, path: string, tag: string): void {
  app.get(
    path,
    {
      schema: {
        tags: [tag],
        summary: 'Leads to the documentation',
        response: { 302: Empty, ...problems() },
      },
    },
    async (_request, reply) => reply.redirect('/docs'),
  );
}
