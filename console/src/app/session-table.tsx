import type { LifeSession } from '../../../src/domain/life/life.ts';
import { plural } from '../../../src/domain/plural.ts';
import { momentInWords } from './moment.ts';
import { Link, pathOfUser } from './router.tsx';
import { Table } from './table.tsx';

const LONGEST_NAME = 60;

interface Props {
  readonly label: string;
  readonly items: readonly LifeSession[];
  readonly withUser?: boolean;
}

/** Sessions, newest first. Each row links to the picture of its session, and `withUser` also to its user. */
export function SessionTable({ label, items, withUser = false }: Props) {
  return (
    <Table
      label={label}
      caption={`${plural(items.length, 'session')}, newest first`}
      columns={[
        'Device',
        ...(withUser ? ['User'] : []),
        'Last address',
        'Last refresh',
        'Login',
        'Generation',
      ]}
    >
      {items.map((item) => (
        <tr key={item.id}>
          <th scope="row">
            <Link to={`/sessions/${item.id}`}>
              <bdi>{truncate(item.deviceName ?? item.userAgent)}</bdi>
            </Link>
            {item.deviceName !== undefined && <small> {truncate(item.userAgent)}</small>}
          </th>
          {withUser && (
            <td class="long">
              <Link to={pathOfUser(item.userId)}>{item.userId}</Link>
            </td>
          )}
          <td>{item.lastIp}</td>
          <td>{momentInWords(Date.parse(item.refreshedAt))}</td>
          <td>
            {momentInWords(Date.parse(item.createdAt))} from {item.createdIp}
          </td>
          <td class="number">{item.generation}</td>
        </tr>
      ))}
    </Table>
  );
}

/** The user agent of an unknown client can be very long. The page of the session shows it whole. */
function truncate(name: string): string {
  return name.length <= LONGEST_NAME ? name : `${name.slice(0, LONGEST_NAME - 1)}…`;
}
