import { useState } from 'preact/hooks';
import { plural } from '../../../src/domain/plural.ts';
import {
  groupIncidents,
  INCIDENT_TYPES,
  type Incident,
  type IncidentEvent,
} from '../incidents/group-incidents.ts';
import { ActionButton } from './action-button.tsx';
import { endSessionsOf } from './api.ts';
import { DisabledNote, DisableUnreadButton } from './disabled.tsx';
import { Loaded, useLoad } from './loaded.tsx';
import { momentInWords } from './moment.ts';
import { Page } from './page.tsx';
import { readNewest } from './read-newest.ts';
import { Link, pathOfUser } from './router.tsx';
import { Table } from './table.tsx';
import { WriteToUser } from './write-to-user.tsx';

interface AuditPage {
  readonly data: readonly IncidentEvent[];
  readonly nextCursor?: string;
}

const DAY = 86_400_000;
const PERIODS = [1, 7, 30];

interface Found {
  readonly incidents: readonly Incident[];
  /** Whether there are older events, which were not read. */
  readonly isCut: boolean;
}

async function loadIncidents(days: number, signal: AbortSignal): Promise<Found> {
  const from = new Date(Date.now() - days * DAY).toISOString();
  const read = (type: string) => readNewest<AuditPage>('/admin/audit', { type, from }, signal);
  const lists = await Promise.all(INCIDENT_TYPES.map(read));
  return {
    incidents: groupIncidents(lists.flatMap(({ pages }) => pages.flatMap(({ data }) => data))),
    isCut: lists.some(({ isCut }) => isCut),
  };
}

/** Replays and refusals of the last days by user and network. Each row links to the session. */
export function Incidents({ days }: { readonly days: number }) {
  const chosen = PERIODS.includes(days) ? days : 7;
  const { result, reload } = useLoad(String(chosen), (signal) => loadIncidents(chosen, signal));
  return (
    <Page title="Incidents">
      <nav class="periods" aria-label="Period">
        {PERIODS.map((period) => (
          <Link key={period} to={`/?days=${period}`} current={period === chosen}>
            {period === 1 ? '24 hours' : `${period} days`}
          </Link>
        ))}
      </nav>
      <Loaded result={result}>
        {({ incidents, isCut }) => (
          <>
            {isCut && <p role="status">There are older events, which this page does not read.</p>}
            {incidents.length === 0 ? (
              <p>No rotated token was replayed, and no session refused a request.</p>
            ) : (
              <IncidentTable incidents={incidents} reload={reload} />
            )}
          </>
        )}
      </Loaded>
    </Page>
  );
}

interface TableProps {
  readonly incidents: readonly Incident[];
  readonly reload: () => void;
}

function IncidentTable({ incidents, reload }: TableProps) {
  const [disabled, setDisabled] = useState<ReadonlyMap<string, string | null>>(new Map());
  const [ended, setEnded] = useState<ReadonlyMap<string, number>>(new Map());
  return (
    <Table
      label="Incidents"
      caption={`${plural(incidents.length, 'incident')} by user and network, newest first`}
      columns={['What', 'From', 'Last', 'User', 'Actions']}
    >
      {incidents.map((incident) => (
        <IncidentRow
          key={`${incident.userId} ${incident.network}`}
          incident={incident}
          disabledAt={disabled.get(incident.userId) ?? null}
          onRead={(disabledAt) => setDisabled((known) => new Map(known).set(incident.userId, disabledAt))}
          endedAt={ended.get(incident.userId) ?? null}
          onEnded={() => setEnded((known) => new Map(known).set(incident.userId, Date.now()))}
          reload={reload}
        />
      ))}
    </Table>
  );
}

interface RowProps {
  readonly incident: Incident;
  /** Null: the user may log in, or the state was not read yet. */
  readonly disabledAt: string | null;
  readonly onRead: (disabledAt: string | null) => void;
  /** When the sessions of the user were ended on this page, in milliseconds; null: they were not. */
  readonly endedAt: number | null;
  readonly onEnded: () => void;
  readonly reload: () => void;
}

function IncidentRow({ incident, disabledAt, onRead, endedAt, onEnded, reload }: RowProps) {
  const { userId, network, device, replays, lastAt, sessionIds } = incident;
  const [sessionId] = sessionIds;
  return (
    <tr class={replays > 0 ? 'replay' : 'block'}>
      <th scope="row">
        {sessionId === undefined ? (
          whatHappened(incident)
        ) : (
          <Link to={`/sessions/${sessionId}`}>{whatHappened(incident)}</Link>
        )}
      </th>
      <td>
        {network}
        <br />
        {device}
      </td>
      <td>{momentInWords(lastAt)}</td>
      <td>
        <Link to={pathOfUser(userId)}>{userId}</Link>
        <DisabledNote disabledAt={disabledAt} />
        <EndedNote endedAt={endedAt} />
      </td>
      <td>
        <div class="actions">
          <ActionButton
            label="End all sessions"
            consequence={`Every session of the user ${userId} ends now. The user has to log in again.`}
            run={(reason) => endSessionsOf(userId, reason)}
            onDone={() => {
              onEnded();
              reload();
            }}
          />
          <DisableUnreadButton userId={userId} disabledAt={disabledAt} onRead={onRead} onDone={reload} />
          <WriteToUser userId={userId} />
        </div>
      </td>
    </tr>
  );
}

function EndedNote({ endedAt }: Pick<RowProps, 'endedAt'>) {
  return (
    <div role="status">
      {endedAt !== null && (
        <p class="note">All sessions of this user were ended on {momentInWords(endedAt)}.</p>
      )}
    </div>
  );
}

function whatHappened({ replays, refusals, sessionIds }: Incident): string {
  const counts = [
    ...(replays > 0 ? [plural(replays, 'replayed token')] : []),
    ...(refusals > 0 ? [plural(refusals, 'refusal')] : []),
  ];
  const where = sessionIds.length > 1 ? `, in ${plural(sessionIds.length, 'session')}` : '';
  return counts.join(' and ') + where;
}
