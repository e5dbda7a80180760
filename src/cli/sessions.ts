import { toOperatorsSession } from '../adapters/http/canonical/session-item.ts';
import { describeUserAgent } from '../adapters/http/server/describe-user-agent.ts';
import { createAuditLog } from '../adapters/postgres/audit-log.ts';
import { createTokenFamilies } from '../adapters/postgres/token-families.ts';
import { streamAuditEvents } from '../app/audit/read-audit-log.ts';
import type { AuditEvent } from '../domain/audit.ts';
import type { LifeEvent, LifeSession, Mark } from '../domain/life/life.ts';
import { readLife, sessionOfEvents } from '../domain/life/read-life.ts';
import { summarizeLife } from '../domain/life/summarize-life.ts';
import type { TokenFamily } from '../domain/token-family.ts';
import { jsonLine } from '../lib/json-line.ts';
import { readSessionId } from './read-session-id.ts';
import { formatTable, replaceControlCharacters } from './table.ts';
import { withSharedDatabase } from './with-database.ts';
import { write } from './write.ts';

/** `kinship sessions show`: what happened to a session, in words and as a table. */
export const printSession = (text: string, { json }: { readonly json?: boolean }) =>
  withSharedDatabase(async (sql, { policy }) => {
    const id = readSessionId(text);
    const family = await createTokenFamilies(sql, policy).find(id);
    const stream = streamAuditEvents({ auditLog: createAuditLog(sql) });
    const events: LifeEvent[] = [];
    for await (const event of await stream({ sessionId: id }, null)) events.push(toLifeEvent(event));
    if (family === null && events.length === 0)
      throw new Error(`There is no session ${id}, or it ended so long ago that nothing about it is stored.`);
    const session = family && toLifeSession(family);
    const facts = { session, events };
    await write(json === true ? jsonLine(facts) : formatLife(session ?? sessionOfEvents(id, events), events));
  });

function toLifeEvent({ occurredAt, origin, generation, id, type, userId, data }: AuditEvent): LifeEvent {
  return { id, time: new Date(occurredAt).toISOString(), type, userId, ...origin, generation, data };
}

function toLifeSession(family: TokenFamily): LifeSession {
  const { hashedRefreshTokenId: _hash, claims: _claims, ...session } = toOperatorsSession(family);
  return session;
}

const HEAD = ['NO.', 'WHEN', 'GENERATION', 'WHAT', 'FROM', 'DEVICE', 'FACTS'];

function formatLife(session: LifeSession, events: readonly LifeEvent[]): string {
  const life = readLife(session, events, Date.now(), describeUserAgent);
  const { headline, facts } = summarizeLife(life);
  const who = [
    ['Session', session.id],
    ['User', session.userId],
    ...(session.deviceName === undefined ? [] : [['Device', session.deviceName]]),
  ];
  const answers = facts
    .map(({ question, answer }) => `${question} ${replaceControlCharacters(answer)}\n`)
    .join('');
  return [
    `${replaceControlCharacters(headline)}\n`,
    formatTable(who),
    answers,
    formatTable([HEAD, ...life.marks.map(markRow)]),
    'Plain refreshes are not recorded.\n',
  ].join('\n');
}

function markRow({ number, at, generation, title, address, device, actor, facts }: Mark): string[] {
  const by = actor === null ? [] : [`By ${actor}.`];
  const when = new Date(at).toISOString();
  return [String(number), when, String(generation), title, address, device, [...by, ...facts].join(' ')];
}
