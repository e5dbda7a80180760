import { createHash } from 'node:crypto';
import formbody from '@fastify/formbody';
import type { FastifyReply } from 'fastify';
import type { App } from '../server/app.ts';
import { beginRefusal } from '../server/exits.ts';
import { refusalsAs } from '../server/schemas.ts';

/** Common schema of the page routes. */
export const pages = {
  tags: ['pages'],
  consumes: ['application/x-www-form-urlencoded', 'application/json'],
  security: [],
};

/** Makes a scope serve pages: it takes form bodies and answers in HTML, refusals included. */
export async function asPages(scope: App): Promise<void> {
  await scope.register(formbody, { bodyLimit: 8 * 1024 });
  scope.setErrorHandler((error, request, reply) => {
    const { detail, title } = beginRefusal(error, request, reply);
    return sendPage(reply, title, `<p role="alert">${escapeHtml(detail)}</p>`);
  });
}

/** The refusals among the responses of a page, as pages. */
export const refusals = refusalsAs('text/html', 'a page with the reason of the refusal');

const STYLE = `
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 10vh auto; padding: 0 1rem }
h1 { font-size: 1.4rem; line-height: 1.25 }
label { display: block; margin: 1rem 0 }
input { display: block; font: inherit; width: 100%; box-sizing: border-box; padding: .5rem; margin-top: .25rem }
button { font: inherit; font-weight: 600; padding: .6rem 1.2rem; cursor: pointer }
`;

/** Allows one style sheet, and forms to this service. All other security headers are those of every answer. */
const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

/**
 * A page without script. It must not be framed or cached, and must not leak its address: the link is a secret.
 * `content` is HTML.
 */
export function sendPage(reply: FastifyReply, title: string, content: string): FastifyReply {
  return reply
    .header('content-security-policy', POLICY)
    .type('text/html; charset=utf-8')
    .send(layOut(title, content));
}

export function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

function layOut(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${content}
</main>
</body>
</html>
`;
}
