import { durationInWords } from '../../../src/domain/life/words.ts';
import { plural } from '../../../src/domain/plural.ts';
import { ActionButton } from './action-button.tsx';
import {
  type Delivery,
  type Endpoint,
  listDeliveries,
  readEndpoint,
  sendAgain,
  sendFailedAgain,
  setEnabled,
} from './api-webhooks.ts';
import { Loaded, useLoad } from './loaded.tsx';
import { momentInWords } from './moment.ts';
import { Page } from './page.tsx';
import { Link } from './router.tsx';
import { Table } from './table.tsx';
import { stateInWords } from './webhooks.tsx';

/** An endpoint, its deliveries of the last days, and what an operator can do. */
export function Webhook({ id, cursor }: { readonly id: string; readonly cursor: string | null }) {
  const { result, reload } = useLoad(`${id} ${cursor}`, async (signal) => {
    const [endpoint, deliveries] = await Promise.all([
      readEndpoint(id, signal),
      listDeliveries(id, cursor, signal),
    ]);
    return { endpoint, ...deliveries };
  });
  return (
    <Page title="Webhook">
      <p class="id">{id}</p>
      <Loaded result={result}>
        {({ endpoint, items, nextCursor }) => (
          <>
            <Facts endpoint={endpoint} />
            <Actions endpoint={endpoint} reload={reload} />
            <h2>Deliveries of the last seven days</h2>
            {items.length === 0 ? (
              <p>There is no delivery.</p>
            ) : (
              <DeliveryTable endpointId={id} items={items} reload={reload} />
            )}
            {nextCursor !== undefined && (
              <p>
                <Link to={`/webhooks/${encodeURIComponent(id)}?cursor=${encodeURIComponent(nextCursor)}`}>
                  Older deliveries
                </Link>
              </p>
            )}
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Facts({ endpoint }: { readonly endpoint: Endpoint }) {
  const facts = [
    ['URL', endpoint.url],
    ['State', stateInWords(endpoint)],
    ['Events', endpoint.types.join(', ')],
    ['Format', endpoint.format],
    ['Audience', endpoint.audience],
    ['Contact', endpoint.contact],
    ['Stream of', endpoint.receiver],
    ['Added', momentInWords(Date.parse(endpoint.createdAt))],
  ];
  return (
    <dl>
      {facts.map(
        ([name, value]) =>
          value !== undefined && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

function Actions({
  endpoint: { id, state },
  reload,
}: {
  readonly endpoint: Endpoint;
  readonly reload: () => void;
}) {
  return (
    <p class="buttons">
      {state === 'disabled' ? (
        <ActionButton
          label="Enable endpoint"
          consequence="The endpoint gets events again. Events that occurred while it was disabled are not sent."
          harmless
          run={(reason) => setEnabled(id, true, reason)}
          onDone={reload}
        />
      ) : (
        <ActionButton
          label="Disable endpoint"
          consequence="The endpoint gets no events until an operator enables it. They are not sent later."
          run={(reason) => setEnabled(id, false, reason)}
          onDone={reload}
        />
      )}
      <ActionButton
        label="Send failed events again"
        consequence="Up to 5,000 failed events of the last seven days are sent again, the oldest first."
        harmless
        run={(reason) => sendFailedAgain(id, reason)}
        onDone={reload}
      />
    </p>
  );
}

interface TableProps {
  readonly endpointId: string;
  readonly items: readonly Delivery[];
  readonly reload: () => void;
}

function DeliveryTable({ endpointId, items, reload }: TableProps) {
  return (
    <Table
      label="Deliveries"
      caption={`${plural(items.length, 'delivery', 'deliveries')}, newest event first`}
      columns={['Event', 'When', 'State', 'Attempts', 'Actions']}
    >
      {items.map((delivery) => (
        <tr key={delivery.eventId} class={delivery.state}>
          <th scope="row">
            {delivery.type}
            <br />
            <small class="event-id">{delivery.eventId}</small>
          </th>
          <td>{momentInWords(Date.parse(delivery.occurredAt))}</td>
          <td class="state">{delivery.state}</td>
          <td>
            <Attempts delivery={delivery} />
          </td>
          <td>
            <ActionButton
              label="Send again"
              consequence={`The event ${delivery.eventId} is sent again within seconds, with the same id.`}
              harmless
              run={(reason) => sendAgain(endpointId, delivery.eventId, reason)}
              onDone={reload}
            />
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Attempts({ delivery: { attempts, nextAttemptAt } }: { readonly delivery: Delivery }) {
  const last = attempts.at(-1);
  return (
    <>
      {last === undefined ? (
        'None yet.'
      ) : (
        <>
          {plural(attempts.length, 'attempt')}. The last one {resultOf(last)} after{' '}
          {durationInWords(last.milliseconds)}.
        </>
      )}
      {nextAttemptAt !== undefined && ` The next one is due ${momentInWords(Date.parse(nextAttemptAt))}.`}
    </>
  );
}

function resultOf({ status, reason }: Delivery['attempts'][number]): string {
  if (status !== undefined) return `got ${status}`;
  return reason === undefined ? 'got no answer' : `failed (${reason})`;
}
