import { describeUserAgent } from '../../../src/adapters/http/server/describe-user-agent.ts';
import type { Life, LifeEvent, LifeSession, Mark } from '../../../src/domain/life/life.ts';
import { readLife, sessionOfEvents } from '../../../src/domain/life/read-life.ts';
import { type LifeSummary, summarizeLife } from '../../../src/domain/life/summarize-life.ts';
import { ActionButton } from './action-button.tsx';
import { apiPathOfSession, endSession, endSessionsOf, readDisabledAt } from './api.ts';
import { DisableButton, DisabledNote } from './disabled.tsx';
import { Loaded, useLoad } from './loaded.tsx';
import { Page } from './page.tsx';
import { Picture } from './picture.tsx';
import { readNewest } from './read-newest.ts';
import { Link, pathOfUser } from './router.tsx';
import { Table } from './table.tsx';

interface EventPage {
  readonly session: LifeSession | null;
  readonly data: readonly LifeEvent[];
  readonly nextCursor?: string;
}

type NamedLife = Omit<LoadedSession, 'disabledAt'>;

async function loadLife(id: string, signal: AbortSignal): Promise<NamedLife> {
  const { pages, isCut } = await readNewest<EventPage>(`${apiPathOfSession(id)}/events`, {}, signal);
  const events = pages.flatMap(({ data }) => data).reverse();
  const session = pages.at(-1)?.session ?? null;
  const life = readLife(session ?? sessionOfEvents(id, events), events, Date.now(), describeUserAgent);
  return { life, deviceName: session?.deviceName ?? null, isCut };
}

interface LoadedSession {
  readonly life: Life;
  readonly deviceName: string | null;
  /** Whether the session has older events, which were not read. */
  readonly isCut: boolean;
  /** When the user of the session was disabled; null: the user may log in. */
  readonly disabledAt: string | null;
}

async function loadSession(id: string, signal: AbortSignal): Promise<LoadedSession> {
  const named = await loadLife(id, signal);
  return { ...named, disabledAt: await readDisabledAt(named.life.userId, signal) };
}

interface SessionProps extends LoadedSession {
  readonly reload: () => void;
}

/** A session: what happened to it in words, as a picture and as a table, and what an operator can do. */
export function Session({ id }: { readonly id: string }) {
  const { result, reload } = useLoad(id, (signal) => loadSession(id, signal));
  return (
    <Page title="Session">
      <p class="id">{id}</p>
      <Loaded result={result}>{(loaded) => <LifeOfSession {...loaded} reload={reload} />}</Loaded>
    </Page>
  );
}

function LifeOfSession({ life, deviceName, isCut, disabledAt, reload }: SessionProps) {
  return (
    <>
      <Summary summary={summarizeLife(life)} userId={life.userId} deviceName={deviceName} />
      <DisabledNote disabledAt={disabledAt} />
      <Actions life={life} disabledAt={disabledAt} reload={reload} />
      {isCut && <p role="status">Older events of this session are not shown.</p>}
      <Picture life={life} />
      <Marks marks={life.marks} />
    </>
  );
}

interface SummaryProps {
  readonly summary: LifeSummary;
  readonly userId: string;
  readonly deviceName: string | null;
}

function Summary({ summary, userId, deviceName }: SummaryProps) {
  return (
    <section class={`story ${summary.state}`} aria-label="What happened">
      <p class="headline">{summary.headline}</p>
      <dl>
        <div>
          <dt>Whose session?</dt>
          <dd>
            <Link to={pathOfUser(userId)}>{userId}</Link>
          </dd>
        </div>
        {deviceName !== null && (
          <div>
            <dt>Which device?</dt>
            <dd>
              <bdi>{deviceName}</bdi>
            </dd>
          </div>
        )}
        {summary.facts.map(({ question, answer }) => (
          <div key={question}>
            <dt>{question}</dt>
            <dd>{answer}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Actions({ life, disabledAt, reload }: Pick<SessionProps, 'life' | 'disabledAt' | 'reload'>) {
  return (
    <p class="buttons">
      {life.end === null && (
        <ActionButton
          label="End this session"
          consequence="The session ends now. Its client has to log in again."
          run={(reason) => endSession(life.sessionId, reason)}
          onDone={reload}
        />
      )}
      <ActionButton
        label="End all sessions of the user"
        consequence="Every session of this user ends now. The user has to log in again everywhere."
        run={(reason) => endSessionsOf(life.userId, reason)}
        onDone={reload}
      />
      <DisableButton userId={life.userId} disabledAt={disabledAt} onDone={reload} />
    </p>
  );
}

function Marks({ marks }: { readonly marks: readonly Mark[] }) {
  return (
    <Table
      label="Recorded events"
      caption="Recorded events, oldest first. Plain refreshes are not recorded."
      columns={['No.', 'What', 'When', 'Generation', 'From', 'Facts']}
    >
      {marks.map((mark) => (
        <tr key={mark.number} id={`event-${mark.number}`} class={mark.kind}>
          <td class="number">{mark.number}</td>
          <th scope="row">{mark.title}</th>
          <td>{mark.moment}</td>
          <td class="number">{mark.generation}</td>
          <td>
            {mark.address}
            <br />
            {mark.device}
          </td>
          <td>
            {mark.actor !== null && `By ${mark.actor}. `}
            {mark.facts.join(' ')}
          </td>
        </tr>
      ))}
    </Table>
  );
}
