import { createHash } from 'node:crypto';
import { withUnicodeDomain } from '../../../lib/domain-names.ts';
import { escapeHtml } from '../../../lib/html.ts';

/** `title` is text, `content` is HTML. */
export interface Page {
  readonly title: string;
  readonly content: string;
  /** Whether a form shows an error. The title of the window then begins with `Error:`. */
  readonly hasError?: boolean;
  /** The path of the script that the page runs. Absent: it runs none. */
  readonly script?: string;
}

const STYLE = `
:root { color-scheme: light dark; --text: #1c2128; --back: #ffffff; --line: #6b7480; --action: #0b57b7; --on-action: #ffffff; --error: #b3261e }
@media (prefers-color-scheme: dark) {
:root { --text: #e6e9ee; --back: #14181d; --line: #8f98a3; --action: #8ab8ff; --on-action: #10151b; --error: #ff9f96 }
}
body { font: 1rem/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); max-width: 34rem; margin: 0 auto; padding: 8vh 1rem; overflow-wrap: anywhere }
header { font-weight: 600 }
h1 { font-size: 1.4rem; line-height: 1.25 }
a { color: var(--action) }
label { display: block; font-weight: 600; margin-top: 1.25rem }
label + p { margin: .25rem 0 }
input { font: inherit; color: inherit; background: var(--back); border: 1px solid var(--line); border-radius: .25rem; width: 100%; box-sizing: border-box; padding: .5rem; margin-top: .25rem }
input[readonly] { border-style: dashed }
input[aria-invalid] { border: 2px solid var(--error) }
.error { color: var(--error) }
button { font: inherit; font-weight: 600; color: var(--on-action); background: var(--action); border: 1px solid var(--action); border-radius: .25rem; padding: .6rem 1.2rem; margin-top: 1.25rem; cursor: pointer }
button.secondary { color: var(--action); background: var(--back) }
h2 { font-size: 1.2rem; margin-top: 2.5rem }
h3 { font-size: 1rem; margin: 0 }
.cards { list-style: none; padding: 0 }
.cards li { border: 1px solid var(--line); border-radius: .25rem; padding: 1rem; margin-top: 1rem }
.cards button { margin-top: .75rem }
.qr { background: #ffffff; padding: .5rem; width: 14rem; max-width: 100% }
.qr svg { display: block }
.codes { font-family: ui-monospace, monospace }
.mark { font-weight: 600; color: var(--action); margin: 0 }
dl { margin: .5rem 0 0 }
dl div { margin-top: .25rem }
dt { font-size: .875rem }
dd { margin: 0 }
:focus-visible { outline: 3px solid var(--action); outline-offset: 2px }
`;

/**
 * The Content-Security-Policy of a page: it allows one style sheet, and forms to this service. Scripts of this service
 * run only in pages that need one. Account pages have a `Referrer-Policy` of their own. All other security
 * headers are the same as in every answer.
 */
export function contentSecurityPolicyOf({ script }: Page): string {
  return script === undefined ? CONTENT_SECURITY_POLICY : `${CONTENT_SECURITY_POLICY}; script-src 'self'`;
}

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

export function renderPage(serviceName: string, { title, content, hasError = false, script }: Page): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${hasError ? 'Error: ' : ''}${escapeHtml(title)} – ${escapeHtml(serviceName)}</title>
<style>${STYLE}</style>${script === undefined ? '' : `\n<script src="${script}" defer></script>`}
</head>
<body>
<header><bdi>${escapeHtml(serviceName)}</bdi></header>
<main>
<h1>${escapeHtml(title)}</h1>
${content}
</main>
</body>
</html>
`;
}

export function paragraph(text: string): string {
  return `<p>${escapeHtml(text)}</p>\n`;
}

/** HTML: a name or a mail address with its Unicode domain, isolated from the writing direction around it. */
export function renderName(name: string): string {
  return `<strong><bdi>${escapeHtml(withUnicodeDomain(name))}</bdi></strong>`;
}
