import { plural } from '../../../src/domain/plural.ts';
import { CreateAccount } from './account-forms.tsx';
import { type Account, listAccounts } from './api-users.ts';
import { factorKindInWords } from './factors.tsx';
import { Loaded, useLoad } from './loaded.tsx';
import { momentInWords } from './moment.ts';
import { NextPage } from './next-page.tsx';
import { Page } from './page.tsx';
import { Link, pathOfUser } from './router.tsx';
import { Table } from './table.tsx';
import { UsersForm } from './users-form.tsx';

/** The list of accounts. Each row links to the user. The filter is in the query of the page. */
export function Users({ query }: { readonly query: URLSearchParams }) {
  const filter = query.toString();
  const { result } = useLoad(filter, (signal) => listAccounts(query, signal));
  return (
    <Page title="Users">
      <UsersForm key={filter} query={query} />
      <p class="buttons">
        <CreateAccount />
      </p>
      <Loaded result={result}>
        {({ items, nextCursor }) => (
          <>
            {items.length === 0 ? (
              <p>{nextCursor === undefined ? 'No account matches.' : 'No account of this page matches.'}</p>
            ) : (
              <AccountTable items={items} query={query} />
            )}
            <NextPage path="/users" query={query} cursor={nextCursor} label="More accounts" />
          </>
        )}
      </Loaded>
    </Page>
  );
}

interface AccountTableProps {
  readonly items: readonly Account[];
  readonly query: URLSearchParams;
}

function AccountTable({ items, query }: AccountTableProps) {
  const isByAge = !query.get('query') && !query.get('only');
  return (
    <Table
      label="Accounts"
      caption={plural(items.length, 'account') + (isByAge ? ', newest first' : '')}
      columns={['Name', 'Address', 'State', 'Second factors', 'Sessions', 'Last login', 'Created']}
    >
      {items.map((account) => (
        <AccountRow key={account.id} account={account} />
      ))}
    </Table>
  );
}

function AccountRow({ account }: { readonly account: Account }) {
  const { id, username, email, emailVerified, disabledAt, factors, sessions, lastLoginAt } = account;
  return (
    <tr class={disabledAt === undefined ? '' : 'failed'}>
      <th scope="row" class="name">
        <Link to={pathOfUser(id)}>
          <bdi>{username}</bdi>
        </Link>
      </th>
      <td class="long">
        <bdi>{email}</bdi>
        {!emailVerified && (
          <>
            <br />
            <small>not confirmed</small>
          </>
        )}
      </td>
      <td class="state">{stateInWords(account)}</td>
      <td>{factors.map(factorKindInWords).join(', ') || 'none'}</td>
      <td class="number">{sessions}</td>
      <td>{lastLoginAt === undefined ? 'not known' : momentInWords(Date.parse(lastLoginAt))}</td>
      <td>{momentInWords(Date.parse(account.createdAt))}</td>
    </tr>
  );
}

function stateInWords({ disabledAt, roles }: Account): string {
  return [...(disabledAt === undefined ? [] : ['disabled']), ...roles].join(', ');
}
