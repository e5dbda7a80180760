import { useEffect, useState } from 'preact/hooks';
import { drawChart, rangeInWords } from '../overview/chart.ts';
import { type Point, ratesOf, refusalCount, refusalsIn, type Sample, valuesOf } from '../overview/series.ts';
import { followOverview, mergeOverview, type Overview as OverviewData } from './api-overview.ts';
import { KeySection } from './keys.tsx';
import { ErrorText } from './loaded.tsx';
import { momentInWords } from './moment.ts';
import { Page } from './page.tsx';
import { nodeOf } from './svg-view.tsx';
import { Table } from './table.tsx';

/**
 * After this many milliseconds without input, the page stops following the service. Otherwise its requests would keep
 * an absent operator signed in.
 */
const IDLE_LIMIT = 10 * 60_000;

const INPUT_EVENTS = ['keydown', 'pointerdown', 'pointermove', 'wheel'] as const;

/** The state of the service, live: counts over time, dependencies, and keys. */
export function Overview() {
  const [overview, setOverview] = useState<OverviewData | null>(null);
  const [lost, setLost] = useState<string | null>(null);
  const [isPaused, setPaused] = useState(false);
  useEffect(() => {
    if (isPaused || lost !== null) return;
    let lastInputAt = Date.now();
    const noteInput = () => {
      lastInputAt = Date.now();
    };
    for (const name of INPUT_EVENTS) addEventListener(name, noteInput, { passive: true });
    const stop = followOverview((next) => {
      setOverview((before) => mergeOverview(before, next));
      if (Date.now() - lastInputAt > IDLE_LIMIT) setPaused(true);
    }, setLost);
    return () => {
      stop();
      for (const name of INPUT_EVENTS) removeEventListener(name, noteInput);
    };
  }, [isPaused, lost]);
  return (
    <Page title="Overview">
      {lost !== null && <ErrorText message={lost} />}
      {(isPaused || lost !== null) && (
        <Paused
          onContinue={() => {
            setPaused(false);
            setLost(null);
          }}
        />
      )}
      {overview === null ? lost === null && <p role="status">Loading…</p> : <Facts overview={overview} />}
    </Page>
  );
}

function Paused({ onContinue }: { readonly onContinue: () => void }) {
  return (
    <p class="note" role="status">
      This page does not follow the service.{' '}
      <button type="button" class="quiet" onClick={onContinue}>
        Follow it again
      </button>
    </p>
  );
}

function Facts({ overview: { replica, samples, dependencies, keys } }: { readonly overview: OverviewData }) {
  const last = samples.at(-1);
  return (
    <>
      <p class="muted">
        Logins, refreshes, refusals and dependencies are those of the replica <strong>{replica}</strong>, all
        its processes together. The metrics of each other replica show its counts. All else on this page is
        about the whole service.
        {last !== undefined && ` Read on ${momentInWords(Date.parse(last.at))}.`}
      </p>
      <Charts samples={samples} />
      <h2>Dependencies</h2>
      <ul class="states">
        {dependencies.map(({ name, state }) => (
          <li key={name} class={state}>
            {name}: <strong>{state}</strong>
          </li>
        ))}
      </ul>
      <Refusals samples={samples} />
      {keys === null ? <p>The keys of access tokens cannot be read now.</p> : <KeySection keys={keys} />}
    </>
  );
}

function Charts({ samples }: { readonly samples: readonly Sample[] }) {
  return (
    <div class="charts">
      <Chart name="Logins a minute" points={ratesOf(samples, ({ logins }) => logins)} />
      <Chart name="Refreshes a minute" points={ratesOf(samples, ({ refreshes }) => refreshes)} />
      <Chart name="Refusals a minute" points={ratesOf(samples, refusalCount)} />
      <Chart name="Live sessions" points={valuesOf(samples, ({ sessions }) => sessions)} />
      <Chart name="Mails waiting" points={valuesOf(samples, ({ mailsWaiting }) => mailsWaiting)} />
      <Chart name="Events waiting" points={valuesOf(samples, ({ eventsWaiting }) => eventsWaiting)} />
      <Chart
        name="Webhook deliveries waiting"
        points={valuesOf(samples, ({ deliveriesWaiting }) => deliveriesWaiting)}
      />
    </div>
  );
}

function Chart({ name, points }: { readonly name: string; readonly points: readonly Point[] }) {
  return (
    <figure class="card">
      <h2>{name}</h2>
      {nodeOf(drawChart(points, name))}
      <figcaption>{rangeInWords(points)}</figcaption>
    </figure>
  );
}

function Refusals({ samples }: { readonly samples: readonly Sample[] }) {
  const refusals = refusalsIn(samples);
  return (
    <>
      <h2>Refusals by reason</h2>
      {refusals.length === 0 ? (
        <p>Nothing was refused in the time shown.</p>
      ) : (
        <Table label="Refusals by reason" caption="In the time shown" columns={['What', 'Count']}>
          {refusals.map(([reason, count]) => (
            <tr key={reason}>
              <th scope="row">{reason.replaceAll('_', ' ')}</th>
              <td class="number">{count}</td>
            </tr>
          ))}
        </Table>
      )}
    </>
  );
}
