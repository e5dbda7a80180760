import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { call, whenSignedOut } from './api.ts';
import { Audit } from './audit.tsx';
import { Incidents } from './incidents.tsx';
import { ErrorText } from './loaded.tsx';
import { Overview } from './overview.tsx';
import { Page } from './page.tsx';
import { go, Link, type Place, usePlace } from './router.tsx';
import { Search } from './search.tsx';
import { Session } from './session.tsx';
import { Sessions } from './sessions.tsx';
import { SignIn } from './sign-in.tsx';
import { User } from './user.tsx';
import { Users } from './users.tsx';
import { Webhook } from './webhook.tsx';
import { Webhooks } from './webhooks.tsx';

interface ConsoleSession {
  readonly operator: { readonly userId: string } | null;
}

type SignedIn = 'unknown' | 'yes' | 'no' | 'ended';

function App({ serviceName }: { readonly serviceName: string }) {
  const [signedIn, setSignedIn] = useState<SignedIn>('unknown');
  const [error, setError] = useState<string | null>(null);
  const place = usePlace();
  /** Runs requests to `/console/session`. A failure is shown above the page. */
  const runSessionCall = (run: () => Promise<void>) => {
    setError(null);
    run().catch((failure: Error) => setError(failure.message));
  };
  useEffect(() => {
    whenSignedOut(() => setSignedIn('ended'));
    runSessionCall(async () => {
      const { operator } = await call<ConsoleSession>('GET', '/console/session');
      setSignedIn(operator === null ? 'no' : 'yes');
    });
  }, []);
  const signOut = () =>
    runSessionCall(async () => {
      await call('DELETE', '/console/session');
      go('/');
      setSignedIn('no');
    });
  return (
    <>
      <header>
        <p class="service">
          <bdi>{serviceName}</bdi> console
        </p>
        {signedIn === 'yes' && <Navigation place={place} onSignOut={signOut} />}
      </header>
      {error !== null && <ErrorText message={error} />}
      {signedIn === 'unknown' && error === null && <p role="status">Loading…</p>}
      {(signedIn === 'no' || signedIn === 'ended') && (
        <SignIn
          notice={signedIn === 'ended' ? 'Your session has ended. Sign in again.' : null}
          onSignedIn={() => setSignedIn('yes')}
        />
      )}
      {signedIn === 'yes' && <CurrentPage place={place} />}
    </>
  );
}

interface NavigationProps {
  readonly place: Place;
  readonly onSignOut: () => void;
}

function Navigation({ place, onSignOut }: NavigationProps) {
  return (
    <nav aria-label="Console">
      <Link to="/" current={place.path === '/'}>
        Incidents
      </Link>
      <Link to="/overview" current={place.path === '/overview'}>
        Overview
      </Link>
      <Link to="/users" current={place.path === '/users'}>
        Users
      </Link>
      <Link to="/sessions" current={place.path === '/sessions'}>
        Sessions
      </Link>
      <Link to="/find" current={place.path === '/find'}>
        Find
      </Link>
      <Link to="/audit" current={place.path === '/audit'}>
        Audit
      </Link>
      <Link to="/webhooks" current={place.path === '/webhooks'}>
        Webhooks
      </Link>
      <button type="button" class="quiet" onClick={onSignOut}>
        Sign out
      </button>
    </nav>
  );
}

function CurrentPage({ place: { path, query } }: { readonly place: Place }) {
  const [, kind, encoded = ''] = path.split('/');
  const id = decode(encoded);
  if (path === '/') return <Incidents days={Number(query.get('days'))} />;
  if (path === '/overview') return <Overview />;
  if (path === '/find') return <Search />;
  if (path === '/users') return <Users query={query} />;
  if (path === '/sessions') return <Sessions query={query} />;
  if (path === '/audit') return <Audit query={query} />;
  if (path === '/webhooks') return <Webhooks />;
  if (kind === 'webhooks') return <Webhook key={id} id={id} cursor={query.get('cursor')} />;
  if (kind === 'users') return <User key={id} id={id} cursor={query.get('cursor')} />;
  if (kind === 'sessions') return <Session key={id} id={id} />;
  return (
    <Page title="There is no such page">
      <p>
        <Link to="/find">Find a user or a session</Link>
      </p>
    </Page>
  );
}

/** A typed path can contain an invalid escape. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const root = document.getElementById('console');
if (root !== null) render(<App serviceName={root.dataset.service ?? ''} />, root);
