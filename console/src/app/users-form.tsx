import { go } from './router.tsx';

/** Finds accounts by the beginning of a name, address or id, or chooses a kind of account. */
export function UsersForm({ query }: { readonly query: URLSearchParams }) {
  function submit(event: SubmitEvent): void {
    event.preventDefault();
    const fields = new FormData(event.target as HTMLFormElement);
    const typed = String(fields.get('query')).trim();
    const only = String(fields.get('only'));
    // The service accepts only one of the two parameters.
    if (typed !== '') go(`/users?${new URLSearchParams({ query: typed })}`);
    else go(only === '' ? '/users' : `/users?${new URLSearchParams({ only })}`);
  }

  return (
    <form class="filter" onSubmit={submit}>
      <p class="field">
        <label for="query">Beginning of a name, address or id</label>
        <input
          id="query"
          name="query"
          maxLength={320}
          defaultValue={query.get('query') ?? ''}
          autocomplete="off"
          spellcheck={false}
        />
      </p>
      <p class="field">
        <label for="only">Or only</label>
        <select id="only" name="only" defaultValue={query.get('only') ?? ''}>
          <option value="">all accounts</option>
          <option value="disabled">disabled accounts</option>
          <option value="operators">operators</option>
        </select>
      </p>
      <button type="submit">Find accounts</button>
    </form>
  );
}
