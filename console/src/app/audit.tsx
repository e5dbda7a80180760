import { describeUserAgent } from '../../../src/adapters/http/server/describe-user-agent.ts';
import { plural } from '../../../src/domain/plural.ts';
import { type AuditFilter, type AuditItem, listAudit } from './api-audit.ts';
import { AuditForm } from './audit-form.tsx';
import { Loaded, useLoad } from './loaded.tsx';
import { momentInWords } from './moment.ts';
import { NextPage } from './next-page.tsx';
import { Page } from './page.tsx';
import { Link, pathOfUser } from './router.tsx';
import { Table } from './table.tsx';

/** The audit log, newest first. The filter is in the query of the page, so that a link leads to the same events. */
export function Audit({ query }: { readonly query: URLSearchParams }) {
  const filter = query.toString();
  const { result } = useLoad(filter, (signal) => listAudit(query, signal));
  return (
    <Page title="Audit log">
      <AuditForm key={filter} filter={Object.fromEntries(query) as AuditFilter} />
      <Loaded result={result}>
        {({ data, nextCursor }) => (
          <>
            {data.length === 0 ? (
              <p>{nextCursor === undefined ? 'No event matches.' : 'No event read so far matches.'}</p>
            ) : (
              <EventTable events={data} />
            )}
            <NextPage path="/audit" query={query} cursor={nextCursor} label="Older events" />
          </>
        )}
      </Loaded>
    </Page>
  );
}

function EventTable({ events }: { readonly events: readonly AuditItem[] }) {
  return (
    <Table
      label="Events"
      caption={`${plural(events.length, 'event')}, newest first`}
      columns={['What', 'When', 'User and session', 'By', 'From', 'Facts']}
    >
      {events.map((event) => (
        <EventRow key={event.id} event={event} />
      ))}
    </Table>
  );
}

function EventRow({ event }: { readonly event: AuditItem }) {
  const { type, time, userId, sessionId, actor, address, userAgent, data } = event;
  return (
    <tr>
      <th scope="row">{type}</th>
      <td class="when">{momentInWords(Date.parse(time))}</td>
      <td class="ids">
        {userId !== null && <Link to={pathOfUser(userId)}>{userId}</Link>}
        {sessionId !== null && (
          <>
            <br />
            <Link to={`/sessions/${sessionId}`}>{sessionId}</Link>
          </>
        )}
      </td>
      <td class="name">
        {actor.kind.replace('_', ' ')}
        {actor.name !== undefined && (
          <>
            <br />
            <small>{actor.name}</small>
          </>
        )}
      </td>
      <td class="long">
        {address}
        <br />
        {typeof userAgent === 'string' && <small title={userAgent}>{describeUserAgent(userAgent)}</small>}
      </td>
      <td class="long">{factsOf(data)}</td>
    </tr>
  );
}

function factsOf(data: AuditItem['data']): string {
  return Object.entries(data)
    .filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0))
    .map(([name, value]) => `${name}: ${Array.isArray(value) ? value.join(', ') : String(value)}`)
    .join('; ');
}
