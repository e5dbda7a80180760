import { listSessions } from './api-sessions.ts';
import { Loaded, useLoad } from './loaded.tsx';
import { NextPage } from './next-page.tsx';
import { Page } from './page.tsx';
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
            <NextPage path="/sessions" query={query} cursor={nextCursor} label="Older sessions" />
          </>
        )}
      </Loaded>
    </Page>
  );
}
