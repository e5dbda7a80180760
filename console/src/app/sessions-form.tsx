import { go } from './router.tsx';

const TEXT_FIELDS = [
  { name: 'userId', label: 'User id', maxLength: 256 },
  { name: 'address', label: 'Network address', maxLength: 45 },
  { name: 'agent', label: 'Part of the user agent', maxLength: 200 },
  { name: 'client', label: 'Service key that opened it', maxLength: 100 },
] as const;

/** Chooses sessions by facts that all must match. */
export function SessionsForm({ query }: { readonly query: URLSearchParams }) {
  function submit(event: SubmitEvent): void {
    event.preventDefault();
    const fields = new FormData(event.target as HTMLFormElement);
    const chosen = new URLSearchParams();
    for (const name of [...TEXT_FIELDS.map((field) => field.name), 'state']) {
      const value = String(fields.get(name)).trim();
      if (value !== '') chosen.set(name, value);
    }
    go(`/sessions?${chosen}`);
  }

  return (
    <form class="filter" onSubmit={submit} aria-label="Filter">
      {TEXT_FIELDS.map(({ name, label, maxLength }) => (
        <p key={name} class="field">
          <label for={name}>{label}</label>
          <input
            id={name}
            name={name}
            maxLength={maxLength}
            defaultValue={query.get(name) ?? ''}
            autocomplete="off"
            spellcheck={false}
          />
        </p>
      ))}
      <p class="field">
        <label for="state">State</label>
        <select id="state" name="state" defaultValue={query.get('state') ?? ''}>
          <option value="">live</option>
          <option value="ended">ended</option>
          <option value="all">live and ended</option>
        </select>
      </p>
      <button type="submit">Find sessions</button>
    </form>
  );
}
