import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { escapeHtml } from '../../../lib/html.ts';
import type { App } from '../server/app.ts';

/** The bundled script and style of the console. */
export interface ConsoleFiles {
  readonly script: Buffer;
  readonly style: Buffer;
}

/** Where `npm run build` puts the files. */
const FOLDER = fileURLToPath(new URL('dist/console', import.meta.resolve('#package.json')));

/** Reads the files that `npm run build` makes. */
export async function readConsoleFiles(folder = FOLDER): Promise<ConsoleFiles> {
  try {
    const [script, style] = await Promise.all(
      ['app.js', 'app.css'].map((name) => readFile(join(folder, name))),
    );
    return { script, style } as ConsoleFiles;
  } catch (cause) {
    throw new Error(`The files of the console are missing in ${folder}: run npm run build.`, { cause });
  }
}

/** Allows scripts, styles and requests of this origin. Forbids inline code, frames, forms and everything else. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

/** All pages of the console are one document. Its script shows the page that the path names. */
export function consoleFileRoutes(app: App, { script, style }: ConsoleFiles, serviceName: string): void {
  const document = documentOf(serviceName);
  const schema = { hide: true };
  app.get('/console/app.js', { schema }, (_request, reply) =>
    reply.type('text/javascript; charset=utf-8').send(script),
  );
  app.get('/console/app.css', { schema }, (_request, reply) =>
    reply.type('text/css; charset=utf-8').send(style),
  );
  for (const url of ['/console', '/console/*'])
    app.get(url, { schema }, (_request, reply) =>
      reply.header('content-security-policy', POLICY).type('text/html; charset=utf-8').send(document),
    );
}

function documentOf(serviceName: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Console – ${escapeHtml(serviceName)}</title>
<link rel="stylesheet" href="/console/app.css">
<script type="module" src="/console/app.js"></script>
</head>
<body>
<noscript>The console needs JavaScript.</noscript>
<div id="console" data-service="${escapeHtml(serviceName)}"></div>
</body>
</html>
`;
}
