import { useEffect, useRef, useState } from 'preact/hooks';
import { isSessionId } from './api-sessions.ts';
import { ErrorText } from './loaded.tsx';
import { Page } from './page.tsx';
import { go, Link, pathOfUser } from './router.tsx';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * Finds a user or a session by its id, as mails, logs and events name it. The operator need not know which of the two
 * it is: a mail calls the id of a session "Reference".
 */
export function Search() {
  const [error, setError] = useState<string | null>(null);

  const lookUp = useRef(new AbortController());
  useEffect(() => () => lookUp.current.abort(), []);

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const fields = new FormData(event.target as HTMLFormElement);
    const typed = String(fields.get('id')).trim();
    lookUp.current.abort();
    lookUp.current = new AbortController();
    const { signal } = lookUp.current;
    try {
      const path = await findPath(typed, signal);
      if (!signal.aborted) go(path);
    } catch (failure) {
      if (signal.aborted) return;
      if (!(failure instanceof Error)) throw failure;
      setError(failure.message);
    }
  }

  return (
    <Page title="Find a user or a session">
      {error !== null && <ErrorText message={error} />}
      <form class="card" onSubmit={submit}>
        <p class="field">
          <label for="id">Id, from a mail (“Reference”), a log line or an event</label>
          <input id="id" name="id" maxLength={256} required autocomplete="off" spellcheck={false} />
        </p>
        <button type="submit">Find</button>
      </form>
      <p>
        To find an account by its name or address, use <Link to="/users">Users</Link>.
      </p>
    </Page>
  );
}

/** The path of the session with this id. If there is none, the path of the user. */
async function findPath(typed: string, signal: AbortSignal): Promise<string> {
  if (!UUID.test(typed)) return pathOfUser(typed);
  const id = typed.toLowerCase();
  return (await isSessionId(id, signal)) ? `/sessions/${id}` : pathOfUser(id);
}
