import { escapeHtml } from '../../../lib/html.ts';

/** The content of a mail, before it is laid out as text or HTML. Each value is plain text on one line. */
export interface MailContent {
  readonly subject: string;
  readonly whatHappened: readonly string[];
  /** Label and value. */
  readonly facts: readonly (readonly [string, string])[];
  /** The messages of a digest. Only their subjects, facts and links are shown. */
  readonly notices?: readonly MailContent[];
  readonly whatToDo: readonly string[];
  /** The page on which the user can act, such as by ending a session. */
  readonly link?: { readonly label: string; readonly url: string };
}

export interface RenderedMail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

const TO_DO = 'What to do';

/**
 * Lays out a mail as plain text and as HTML. The HTML loads no resources. It sets no colors, so that mail programs
 * choose those of their light or dark mode. Tables and inline styles work in programs that ignore style sheets.
 */
export function layOut(serviceName: string, content: MailContent): RenderedMail {
  const mail = { ...content, serviceName };
  return { subject: content.subject, text: asText(mail), html: asHtml(mail) };
}

type MailInput = MailContent & { readonly serviceName: string };

function closingText(serviceName: string): string {
  return `${serviceName} sent this message automatically, because it concerns the safety of your account.`;
}

function asText({
  serviceName,
  subject,
  whatHappened,
  facts,
  notices = [],
  whatToDo,
  link,
}: MailInput): string {
  const parts = [
    serviceName,
    subject,
    ...whatHappened,
    ...tableAsText(facts),
    ...notices.flatMap((notice) => [
      `* ${notice.subject}`,
      ...tableAsText(notice.facts),
      ...linkAsText(notice.link),
    ]),
    TO_DO,
    ...whatToDo,
    ...linkAsText(link),
    closingText(serviceName),
  ];
  return `${parts.join('\n\n')}\n`;
}

function tableAsText(facts: MailContent['facts']): string[] {
  return facts.length === 0 ? [] : [facts.map(([label, value]) => `${label}: ${value}`).join('\n')];
}

function linkAsText(link: MailContent['link']): string[] {
  return link === undefined ? [] : [`${link.label}:\n${link.url}`];
}

function asHtml({
  serviceName,
  subject,
  whatHappened,
  facts,
  notices = [],
  whatToDo,
  link,
}: MailInput): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${escapeHtml(subject)}</title>
</head>
<body style="margin: 0; padding: 0">
<div role="main" lang="en" dir="ltr">
<table role="presentation" width="100%" style="border-spacing: 0"><tr><td align="center" style="padding: 1em">
<table role="presentation" width="100%" style="border-spacing: 0; max-width: 36em"><tr><td align="left" style="font-family: system-ui, -apple-system, Arial, sans-serif; font-size: 16px; line-height: 1.5; overflow-wrap: anywhere; word-break: break-word">
<p><strong>${escapeHtml(serviceName)}</strong></p>
<h1 style="font-size: 1.3em; line-height: 1.25">${escapeHtml(subject)}</h1>
${paragraphsAsHtml(whatHappened)}
${[tableAsHtml(facts), ...notices.map(noticeAsHtml)].join('\n')}
<h2 style="font-size: 1.1em">${TO_DO}</h2>
${paragraphsAsHtml(whatToDo)}
${linkAsHtml(link)}
<hr>
<p><small>${escapeHtml(closingText(serviceName))}</small></p>
</td></tr></table>
</td></tr></table>
</div>
</body>
</html>
`;
}

function noticeAsHtml({ subject, facts, link }: MailContent): string {
  return `<h2 style="font-size: 1.1em">${escapeHtml(subject)}</h2>\n${tableAsHtml(facts)}\n${linkAsHtml(link)}`;
}

function tableAsHtml(facts: MailContent['facts']): string {
  if (facts.length === 0) return '';
  return `<table style="border-spacing: 0; line-height: 1.4">\n${facts.map(rowAsHtml).join('\n')}\n</table>`;
}

function linkAsHtml(link: MailContent['link']): string {
  return link === undefined
    ? ''
    : `<p><a href="${escapeHtml(link.url)}" style="font-weight: bold">${escapeHtml(link.label)}</a></p>`;
}

function paragraphsAsHtml(lines: readonly string[]): string {
  return lines.map((line) => `<p>${escapeHtml(line)}</p>`).join('\n');
}

function rowAsHtml([label, value]: readonly [string, string]): string {
  const heading = `<th scope="row" style="text-align: left; vertical-align: top; overflow-wrap: normal; word-break: normal; padding: 0.2em 1em 0.2em 0">`;
  const cell = `<td style="vertical-align: top; padding: 0.2em 0; overflow-wrap: anywhere; word-break: break-word">`;
  return `<tr>${heading}${escapeHtml(label)}</th>${cell}${escapeHtml(value)}</td></tr>`;
}
