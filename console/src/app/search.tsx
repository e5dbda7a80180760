import { useState } from 'preact/hooks';
import { ErrorText } from './loaded.tsx';
import { Page } from './page.tsx';
import { go, pathOfUser } from './router.tsx';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Finds a user or a session by its id, as mails, logs and events name it. */
export function Search() {
  const [error, setError] = useState<string | null>(null);

  function submit(event: SubmitEvent): void {
    event.preventDefault();
    const fields = new FormData(event.target as HTMLFormElement);
    const id = String(fields.get('id')).trim();
    const isUuid = UUID.test(id);
    if (fields.get('kind') === 'users') go(pathOfUser(isUuid ? id.toLowerCase() : id));
    else if (isUuid) go(`/sessions/${id.toLowerCase()}`);
    else setError('The id of a session has 36 characters, such as 6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11.');
  }

  return (
    <Page title="Find a user or a session">
      {error !== null && <ErrorText message={error} />}
      <form class="card" onSubmit={submit}>
        <p class="field">
          <label for="id">Id, from a mail, a log line or an event</label>
          <input id="id" name="id" maxLength={256} required autocomplete="off" spellcheck={false} />
        </p>
        <fieldset>
          <legend>It is the id of</legend>
          <label>
            <input type="radio" name="kind" value="users" defaultChecked /> a user
          </label>
          <label>
            <input type="radio" name="kind" value="sessions" /> a session
          </label>
        </fieldset>
        <button type="submit">Find</button>
      </form>
    </Page>
  );
}
