/** The content of a letter, before it is laid out as text or HTML. Each value is plain text on one line. */
export interface MailText {
  readonly subject: string;
  readonly whatHappened: readonly string[];
  /** Label and value. */
  readonly facts: readonly (readonly [string, string])[];
  /** The messages of a digest. Only their subjects, facts and links are shown. */
  readonly notices?: readonly MailText[];
  readonly whatToDo: readonly string[];
  /** The page for the user's reaction. */
  readonly link?: { readonly label: string; readonly url: string };
}

export interface MailContent {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

const TO_DO = 'What to do';
const CLOSING = 'This message was sent automatically, because it concerns the safety of your account.';

/** Lays out a letter as plain text and as HTML. The HTML loads no resources and sets no colours. */
export function layOut(content: MailText): MailContent {
  return { subject: content.subject, text: asText(content), html: asHtml(content) };
}

function asText({ subject, whatHappened, facts, notices = [], whatToDo, link }: MailText): string {
  const parts = [
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
    CLOSING,
  ];
  return `${parts.join('\n\n')}\n`;
}

function tableAsText(facts: MailText['facts']): string[] {
  return facts.length === 0 ? [] : [facts.map(([label, value]) => `${label}: ${value}`).join('\n')];
}

function linkAsText(link: MailText['link']): string[] {
  return link === undefined ? [] : [`${link.label}:\n${link.url}`];
}

function asHtml({ subject, whatHappened, facts, notices = [], whatToDo, link }: MailText): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(subject)}</title>
</head>
<body style="font-family: system-ui, sans-serif; line-height: 1.5; max-width: 36em; margin: 0 auto; padding: 1em">
<h1 style="font-size: 1.3em; line-height: 1.25">${escaped(subject)}</h1>
${paragraphs(whatHappened)}
${[tableAsHtml(facts), ...notices.map(noticeAsHtml)].join('\n')}
<h2 style="font-size: 1.1em">${TO_DO}</h2>
${paragraphs(whatToDo)}
${linkAsHtml(link)}
<hr>
<p><small>${CLOSING}</small></p>
</body>
</html>
`;
}

function noticeAsHtml({ subject, facts, link }: MailText): string {
  return `<h2 style="font-size: 1.1em">${escaped(subject)}</h2>\n${tableAsHtml(facts)}\n${linkAsHtml(link)}`;
}

function tableAsHtml(facts: MailText['facts']): string {
  if (facts.length === 0) return '';
  return `<table style="border-spacing: 0; line-height: 1.4">\n${facts.map(row).join('\n')}\n</table>`;
}

function linkAsHtml(link: MailText['link']): string {
  return link === undefined ? '' : `<p><a href="${escaped(link.url)}">${escaped(link.label)}</a></p>`;
}

function paragraphs(lines: readonly string[]): string {
  return lines.map((line) => `<p>${escaped(line)}</p>`).join('\n');
}

function row([label, value]: readonly [string, string]): string {
  const heading = `<th scope="row" style="text-align: left; vertical-align: top; padding: 0.2em 1em 0.2em 0">`;
  const cell = `<td style="padding: 0.2em 0; overflow-wrap: anywhere">`;
  return `<tr>${heading}${escaped(label)}</th>${cell}${escaped(value)}</td></tr>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
