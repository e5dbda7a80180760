import { listSessions } from './api-sessions.ts';
import { Loaded, useLoad } from './loaded.tsx';
import { Page } from './page.tsx';
import { Link } from './router.tsx';
import { SessionTable } from './session-table.tsx';
import { SessionsForm } from './sessions-form.tsx';

/** The sessions of all users, or those that match the filter in the query of the page. */
export function Sessions({ query }: { readonly query: URLSearchParams }) {
  const filter = query.toString();
  const { result } = useLoad(filter, (signal) => listSessions(query, signal));
  return (
    <Page title="Sessions">
      <SessionsForm key={filter} query={query} />
      <Loaded result={result}>
        {({ items, nextCursor }) => (
          <>
            {items.length === 0 ? (
              <p>{nextCursor === undefined ? 'No session matches.' : 'No session of this page matches.'}</p>
            ) : (
              <SessionTable label="Sessions" items={items} withUser />
            )}
            {nextCursor !== undefined && (
              <p>
                <Link
                  to={`/sessions?${new URLSearchParams({ ...Object.fromEntries(query), cursor: nextCursor })}`}
                >
                  Older sessions
                </Link>
              </p>
            )}
          </>
        )}
      </Loaded>
    </Page>
  );
}
