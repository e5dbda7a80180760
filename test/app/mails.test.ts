import t, { type Test } from 'tap';
import { mailAbout } from '../../src/app/delivery/mails/mail-about.ts';
import { type DomainEvent, hasMail } from '../../src/domain/events.ts';

const AT = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const SESSION = { sessionId: '11111111-2222-4333-8444-555555555555', userId: 'user-1' };
const CLIENT = { address: '198.51.100.7', userAgent: 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0' };

/** Every kind of event, in every form that may change what is told. */
function events(client = CLIENT): DomainEvent[] {
  const seen = { ...SESSION, ...client };
  const at = <Type extends string, Data>(type: Type, data: Data) => ({ type, occurredAt: AT, data });
  return [
    at('sessions.reuse_detected', { ...seen, generation: 1, currentGeneration: 3 }),
    at('sessions.address_changed', { ...seen, previousAddress: '203.0.113.1', blocked: false }),
    at('sessions.address_changed', { ...seen, previousAddress: '203.0.113.1', blocked: true }),
    at('sessions.user_agent_changed', { ...seen, previousUserAgent: 'curl/8.5' }),
    at('sessions.revoked', { ...seen, reason: 'user_agent_changed' as const }),
    at('sessions.revoked', { ...SESSION, reason: 'user_agent_changed' as const }),
    at('sessions.revoked', { ...SESSION, reason: 'logout' as const }),
    at('sessions.revoked', { ...seen, reason: 'reuse' as const }),
    at('sessions.started', seen),
    at('sessions.healed', { ...seen, storedGeneration: 1, presentedGeneration: 2 }),
  ];
}

function lettersWith(client: Partial<typeof CLIENT>) {
  return events({ ...CLIENT, ...client }).flatMap((event) => mailAbout(event) ?? []);
}

/** Reads the HTML as strictly as XML, and answers what a person sees. */
function read(t: Test, html: string): string {
  const open: string[] = [];
  const empty = new Set(['meta', 'hr', '!doctype']);
  const seen = html.replace(
    /<(\/?)([a-z!][a-z0-9]*)((?:\s[a-z-]+="[^"<>]*")*|\s+html)\s*>/g,
    (_tag, end, name) => {
      if (end === '/') t.equal(open.pop(), name, `</${name}> closes what is open`);
      else if (!empty.has(name)) open.push(name);
      return '\n';
    },
  );
  t.same(open, [], 'everything is closed');
  t.notMatch(seen, /[<>"']/, 'no stray markup');
  t.notMatch(seen, /&(?!(?:amp|lt|gt|quot|#39);)/, 'no stray ampersand');
  const entities = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'", '&amp;': '&' };
  return seen.replace(/&[^;]+;/g, (entity) => entities[entity as keyof typeof entities]);
}

t.test('exactly the events with a mail have a letter', async (t) => {
  for (const event of events()) t.equal(mailAbout(event) !== null, hasMail(event), event.type);
});

t.test('text and HTML contain the facts and the advice', async (t) => {
  const subjects = new Set<string>();
  for (const event of events().filter(hasMail)) {
    const letter = mailAbout(event);
    if (letter === null) throw new Error(`no letter about ${event.type}`);
    subjects.add(letter.subject);
    t.match(letter.subject, /^[\x20-\x7e]{10,78}$/);
    const facts = ['2 January 2026, 03:04 UTC', SESSION.sessionId, 'What to do', 'change your password'];
    if ('address' in event.data) facts.push(CLIENT.address, CLIENT.userAgent);
    else facts.push('not known');
    if ('previousAddress' in event.data) facts.push('203.0.113.1');
    if ('previousUserAgent' in event.data) facts.push('curl/8.5');
    const shown = read(t, letter.html);
    for (const fact of [letter.subject, ...facts]) {
      t.ok(letter.text.includes(fact), `text: ${fact}`);
      t.ok(shown.includes(fact), `HTML: ${fact}`);
    }
  }
  t.equal(subjects.size, 5);
});

t.test('the time is shown in UTC at every hour', async (t) => {
  for (const [at, said] of [
    [Date.UTC(2024, 1, 29, 23, 59, 59, 999), '29 February 2024, 23:59 UTC'],
    [Date.UTC(2026, 11, 31), '31 December 2026, 00:00 UTC'],
  ] as const) {
    const [event] = events();
    t.match(event && mailAbout({ ...event, occurredAt: at })?.text, said);
  }
});

t.test('the HTML loads nothing, has no links and sets no colour', async (t) => {
  for (const { html } of lettersWith({})) {
    t.notMatch(html, /<(?:img|a|link|script|style|iframe|form)\b|url\(|https?:|(?<!-)\bcolor:|background/i);
  }
});

t.test('untrusted HTML is shown as text', async (t) => {
  const userAgent = `<script>alert("x")</script> <img src=x onerror='y'> &amp; <a href="//evil">`;
  for (const { text, html } of lettersWith({ userAgent, address: '<b>198.51.100.7</b>' })) {
    if (!text.includes('<b>')) continue; // the one that knows no client
    const shown = read(t, html);
    t.ok(shown.includes(userAgent));
    t.ok(shown.includes('<b>198[.]') || shown.includes('<b>198.51.100.7</b>'));
    t.notMatch(html, /<(?:script|img|a|b)\b/);
  }
});

t.test('an untrusted value stays on its line', async (t) => {
  const forged = [
    'x\r\n\r\nFrom the service: pay at once',
    'a\nb',
    'a\u2028b',
    'a\u2029b',
    'a\u0085b',
    'a\vb\fc',
  ];
  const [plain] = lettersWith({ userAgent: 'plain' });
  for (const userAgent of forged) {
    const [letter] = lettersWith({ userAgent });
    t.equal(letter?.text.split(/[\r\n\v\f\u0085\u2028\u2029]/).length, plain?.text.split('\n').length);
    t.equal(letter?.subject, plain?.subject);
  }
});

t.test('control, invisible and direction characters are removed', async (t) => {
  const marks =
    '\0\x07\x1b[31m\x7f\u009b\u00ad\u200b\u200e\u200f\u202a\u202e\u2066\u2069\ufeff\ud800\u{e0041}';
  for (const { subject, text, html } of lettersWith({ userAgent: `before${marks}after`, address: marks })) {
    for (const part of [subject, text, html]) t.notMatch(part, /[^\P{Cc}\n]|\p{Cf}|\p{Cs}/u);
  }
  t.match(lettersWith({ userAgent: `before${marks}after` })[0]?.text, 'before [31m after');
  t.match(lettersWith({ userAgent: marks.replace('[31m', '') })[0]?.text, 'Browser or app: not known');
});

t.test('no untrusted text becomes a link in a mail program', async (t) => {
  const userAgent = 'Visit https://evil.example/login or www.evil.example, ann@evil.example; bot/2.1';
  for (const { text, html } of lettersWith({ userAgent })) {
    t.notMatch(text, /:\/\/|evil\.|www\./);
    t.notMatch(html, /:\/\/|evil\.|www\./);
  }
  t.match(lettersWith({ userAgent })[0]?.text, 'https[:]//evil[.]example/login', 'still to be read');
  t.match(lettersWith({ userAgent })[0]?.text, 'bot/2.1');
});

t.test('a long user agent is cut between characters', async (t) => {
  const [letter] = lettersWith({ userAgent: '😀'.repeat(5_000) });
  t.match(letter?.text, `${'😀'.repeat(199)}…\n`);
  t.notMatch(letter?.text, '😀'.repeat(200));
  t.match(lettersWith({ userAgent: 'x'.repeat(200) })[0]?.text, `${'x'.repeat(200)}\n`);
});
