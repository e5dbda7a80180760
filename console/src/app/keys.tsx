import { drawKeys, type Key, orderInWords } from '../overview/key-timeline.ts';
import { momentInWords } from './moment.ts';
import { nodeOf } from './svg-view.tsx';
import { Table } from './table.tsx';

const COLUMNS = ['Key', 'Algorithm', 'State', 'Announced', 'Signs from', 'Published until'];

/** The keys that sign access tokens: as bars over time, and as a table. */
export function KeySection({ keys }: { readonly keys: readonly Key[] }) {
  const picture = drawKeys(keys, Date.now());
  return (
    <>
      <h2>Keys of access tokens</h2>
      {keys.length === 0 ? (
        <p>No key set is in use: ACCESS_TOKEN_ALG is HS512.</p>
      ) : (
        <>
          {picture !== null && (
            <figure>
              {nodeOf(picture)}
              <figcaption>
                Each bar is a key, the oldest at the top: pale while it is announced or retired, full while it
                signs. The line is now.
              </figcaption>
            </figure>
          )}
          <Table label="Keys of access tokens" caption={orderInWords(keys)} columns={COLUMNS}>
            {keys.map((key) => (
              <tr key={key.id} class={key.state === 'refused' ? 'failed' : ''}>
                <th scope="row" class="ids">
                  {key.id}
                </th>
                <td>{key.alg}</td>
                <td class="state">{key.state}</td>
                {[key.announcedAt, key.signsFrom, key.publishedUntil].map((time, index) => (
                  <td key={COLUMNS[index + 3]}>
                    {time === undefined ? 'not known' : momentInWords(Date.parse(time))}
                  </td>
                ))}
              </tr>
            ))}
          </Table>
        </>
      )}
    </>
  );
}
