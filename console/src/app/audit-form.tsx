import { type AuditFilter, FILTER_FIELDS } from './api-audit.ts';
import { go } from './router.tsx';

/** Types that the form proposes. The field takes every type. */
const PROPOSED_TYPES = [
  'sessions.started',
  'sessions.revoked',
  'sessions.reuse_detected',
  'sessions.address_changed',
  'sessions.user_agent_changed',
  'sessions.stepped_up',
  'sessions.healed',
  'sessions.dpop_refused',
  'users.created',
  'users.deleted',
  'users.disabled',
  'users.enabled',
  'users.password_changed',
  'users.password_failed',
  'users.email_changed',
  'users.factor_added',
  'users.factor_removed',
  'users.proof_refused',
];

const USER_ID = '\\S{1,256}';
const UUID = '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}';

/** A `datetime-local` field has no time zone. The console shows and reads UTC. */
const toInputValue = (time = '') => time.slice(0, 16);
const toUtc = (value: string) => `${value.slice(0, 16)}:00Z`;

/** Chooses the events of the audit log. */
export function AuditForm({ filter }: { readonly filter: AuditFilter }) {
  function submit(event: SubmitEvent): void {
    event.preventDefault();
    const fields = new FormData(event.target as HTMLFormElement);
    const query = new URLSearchParams();
    for (const field of FILTER_FIELDS) {
      const value = String(fields.get(field)).trim();
      if (value !== '') query.set(field, field === 'from' || field === 'to' ? toUtc(value) : value);
    }
    go(`/audit?${query}`);
  }

  return (
    <form class="filter" onSubmit={submit} aria-label="Filter">
      <p class="field">
        <label for="type">Type</label>
        <input
          id="type"
          name="type"
          list="types"
          pattern="[a-z_.]{1,64}"
          title="A type, such as sessions.revoked"
          defaultValue={filter.type ?? ''}
          autocomplete="off"
        />
        <datalist id="types">
          {PROPOSED_TYPES.map((type) => (
            <option key={type} value={type} />
          ))}
        </datalist>
      </p>
      <IdField
        name="user"
        label="User id"
        value={filter.user}
        pattern={USER_ID}
        title="A user id has no spaces"
      />
      <IdField
        name="session"
        label="Session id"
        value={filter.session}
        pattern={UUID}
        title="An id of 36 characters"
      />
      <TimeField name="from" label="From (UTC)" value={filter.from} />
      <TimeField name="to" label="Before (UTC)" value={filter.to} />
      <button type="submit">Show</button>
    </form>
  );
}

interface FieldProps {
  readonly name: keyof AuditFilter;
  readonly label: string;
  readonly value: string | undefined;
}

interface IdFieldProps extends FieldProps {
  readonly pattern: string;
  /** What the browser says if the value does not match the pattern. */
  readonly title: string;
}

function IdField({ name, label, value = '', pattern, title }: IdFieldProps) {
  return (
    <p class="field">
      <label for={name}>{label}</label>
      <input
        id={name}
        name={name}
        pattern={pattern}
        title={title}
        defaultValue={value}
        autocomplete="off"
        spellcheck={false}
      />
    </p>
  );
}

function TimeField({ name, label, value }: FieldProps) {
  return (
    <p class="field">
      <label for={name}>{label}</label>
      <input id={name} name={name} type="datetime-local" defaultValue={toInputValue(value)} />
    </p>
  );
}
