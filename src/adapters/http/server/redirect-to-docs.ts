import type { App } from './app.ts';
import { longText } from './field-schemas.ts';
import { emptyAnswer, problemResponses } from './schemas.ts';

/** Redirects from a path under which another service had its documentation. */
export function redirectToDocs(app: App, path: string, tag: string, operationId: string): void {
  app.get(
    path,
    {
      schema: {
        operationId,
        tags: [tag],
        summary: 'Redirect to the documentation',
        security: [],
        response: {
          302: emptyAnswer('the redirect to `/docs`', { Location: longText() }),
          ...problemResponses(),
        },
      },
    },
    async (_request, reply) => reply.redirect('/docs'),
  );
}
