import type { App } from '../server/app.ts';
import { acceptsHtml, type SendPage } from './page.ts';

const ACCOUNT = ['account', '/account', 'Your account'] as const;
const LINKS = [
  ['documentation', '/docs', 'Documentation of all requests'],
  ['openapi', '/docs/json', 'OpenAPI document'],
  ['keys', '/.well-known/jwks.json', 'Public keys of access tokens'],
  ['health', '/health/ready', 'Health'],
] as const;

/** `GET /`: a page with links for a person who opens the URL of the service. Other clients get the links as JSON. */
export function homePage(app: App, accountPages: boolean, sendPage: SendPage): void {
  const links = accountPages ? [ACCOUNT, ...LINKS] : LINKS;
  app.get('/', { schema: { hide: true } }, async (request, reply) => {
    // With CORS the answer already varies by origin.
    reply.header('vary', [reply.getHeader('vary'), 'accept'].filter(Boolean).join(', '));
    if (!acceptsHtml(request)) return Object.fromEntries(links.map(([name, path]) => [name, path]));
    const items = links.map(([, path, label]) => `<li><a href="${path}">${label}</a></li>`);
    return sendPage(reply, {
      title: 'This is a session service',
      content: `<ul>\n${items.join('\n')}\n</ul>`,
    });
  });
}
