import { plural } from '../../../src/domain/plural.ts';
import { type Endpoint, listEndpoints } from './api-webhooks.ts';
import { Loaded, useLoad } from './loaded.tsx';
import { momentInWords } from './moment.ts';
import { Page } from './page.tsx';
import { Link } from './router.tsx';
import { Table } from './table.tsx';

const BECAUSE: Readonly<Record<string, string>> = {
  operator: 'by an operator',
  receiver: 'by its receiver',
  gone: 'because it answered 410 Gone',
  dead: 'because every delivery failed for five days',
};

/** Whether an endpoint gets events, in words. */
export function stateInWords({ state, disabledBecause, failingSince }: Endpoint): string {
  if (state === 'disabled') return `disabled ${BECAUSE[disabledBecause ?? ''] ?? ''}`.trim();
  if (failingSince !== undefined) return `${state}, failing since ${momentInWords(Date.parse(failingSince))}`;
  return state;
}

/** The endpoints that get events. Each row links to the deliveries of its endpoint. */
export function Webhooks() {
  const { result } = useLoad('', listEndpoints);
  return (
    <Page title="Webhooks">
      <Loaded result={result}>
        {({ items }) =>
          items.length === 0 ? (
            <p>No endpoint gets events. POST /admin/webhooks adds one.</p>
          ) : (
            <EndpointTable items={items} />
          )
        }
      </Loaded>
    </Page>
  );
}

function EndpointTable({ items }: { readonly items: readonly Endpoint[] }) {
  return (
    <Table
      label="Endpoints"
      caption={`${plural(items.length, 'endpoint')}, oldest first`}
      columns={['URL', 'State', 'Events', 'Format', 'Added']}
    >
      {items.map((endpoint) => (
        <tr key={endpoint.id} class={needsCare(endpoint) ? 'failed' : ''}>
          <th scope="row" class="long">
            <Link to={`/webhooks/${endpoint.id}`}>{endpoint.url}</Link>
          </th>
          <td class="state">{stateInWords(endpoint)}</td>
          <td>{endpoint.types.join(', ')}</td>
          <td>{endpoint.format}</td>
          <td>{momentInWords(Date.parse(endpoint.createdAt))}</td>
        </tr>
      ))}
    </Table>
  );
}

function needsCare({ failingSince, disabledBecause }: Endpoint): boolean {
  return failingSince !== undefined || disabledBecause === 'gone' || disabledBecause === 'dead';
}
