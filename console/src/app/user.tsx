import { ChangeAccount } from './account-forms.tsx';
import { ActionButton } from './action-button.tsx';
import { endSessionsOf, readDisabledAt } from './api.ts';
import { listSessions } from './api-sessions.ts';
import { type Account, readAccount } from './api-users.ts';
import { DisableButton, DisabledNote } from './disabled.tsx';
import { FactorSection } from './factors.tsx';
import { Loaded, useLoad } from './loaded.tsx';
import { momentInWords } from './moment.ts';
import { Page } from './page.tsx';
import { Link, pathOfUser } from './router.tsx';
import { SessionTable } from './session-table.tsx';
import { MailLink } from './write-to-user.tsx';

/** A user: the account, its second factors, and the live sessions. Each session links to its picture. */
export function User({ id, cursor }: { readonly id: string; readonly cursor: string | null }) {
  const { result, reload } = useLoad(`${id} ${cursor}`, async (signal) => {
    const [page, disabledAt, found] = await Promise.all([
      listSessions(new URLSearchParams({ userId: id, ...(cursor !== null && { cursor }) }), signal),
      readDisabledAt(id, signal),
      readAccount(id, signal),
    ]);
    return { ...page, disabledAt, found };
  });
  return (
    <Page title="User">
      <p class="id">{id}</p>
      <Loaded result={result}>
        {({ items, nextCursor, disabledAt, found }) => (
          <>
            {found === null ? (
              <p>
                No account has this id. A program may open sessions under it
                {items.length === 0 && ', or the id is wrong'}.
              </p>
            ) : (
              <AccountFacts account={found.account} />
            )}
            <DisabledNote disabledAt={disabledAt} />
            <p class="buttons">
              <ActionButton
                label="End all sessions"
                consequence="Every session of this user ends now. The user has to log in again."
                run={(reason) => endSessionsOf(id, reason)}
                onDone={reload}
              />
              <DisableButton userId={id} disabledAt={disabledAt} onDone={reload} />
              {found !== null && <ChangeAccount account={found.account} onDone={reload} />}
            </p>
            <h2>Live sessions</h2>
            {items.length === 0 ? (
              <p>This user has no live session.</p>
            ) : (
              <SessionTable label="Live sessions" items={items} />
            )}
            {nextCursor !== undefined && (
              <p>
                <Link to={`${pathOfUser(id)}?cursor=${encodeURIComponent(nextCursor)}`}>Older sessions</Link>
              </p>
            )}
            {found !== null && <FactorSection userId={id} factors={found.factors} onDone={reload} />}
          </>
        )}
      </Loaded>
    </Page>
  );
}

function AccountFacts({ account }: { readonly account: Account }) {
  const { username, email, emailVerified, roles, createdAt, lastLoginAt } = account;
  const facts = [
    ['Name', <bdi key="name">{username}</bdi>],
    ['Address', <MailLink key="address" email={email} />],
    ['Is the address confirmed?', emailVerified ? 'yes' : 'no'],
    ['Created', momentInWords(Date.parse(createdAt))],
    ['Last login', lastLoginAt === undefined ? 'not known' : momentInWords(Date.parse(lastLoginAt))],
    ...(roles.length > 0 ? [['Roles', roles.join(', ')]] : []),
  ] as const;
  return (
    <dl>
      {facts.map(([name, value]) => (
        <div key={String(name)}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
