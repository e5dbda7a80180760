import { useState } from 'preact/hooks';
import { call, ServiceRefusal } from './api.ts';
import { ErrorText } from './loaded.tsx';
import { Page } from './page.tsx';

interface Props {
  /** Why the operator has to sign in again; null at first. */
  readonly notice: string | null;
  readonly onSignedIn: () => void;
}

/** The form for signing in: first the password, then the second factor if the account has one. */
export function SignIn({ notice, onSignedIn }: Props) {
  const [challenge, setChallenge] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(event.target as HTMLFormElement));
    try {
      if (challenge === null) await call('POST', '/console/session', { body: fields });
      else
        await call('POST', '/console/session/second-factor', {
          body: { challenge, ...proofOf(String(fields.code)) },
        });
      onSignedIn();
    } catch (refusal) {
      if (!(refusal instanceof Error)) throw refusal;
      const next = refusal instanceof ServiceRefusal && refusal.code === 'second_factor_required';
      setChallenge(next ? String((refusal as ServiceRefusal).problem.challenge) : challenge);
      setError(next ? null : refusal.message);
    }
  }

  return (
    <Page title={challenge === null ? 'Sign in to the console' : 'Second step'}>
      {notice !== null && <p role="status">{notice}</p>}
      {error !== null && <ErrorText message={error} />}
      <form class="card" onSubmit={submit}>
        {challenge === null ? (
          <>
            <Field name="username" label="Name or address" autocomplete="username" />
            <Field name="password" label="Password" autocomplete="current-password" isSecret />
          </>
        ) : (
          <Field name="code" label="Code of your app, or a recovery code" autocomplete="one-time-code" />
        )}
        <button type="submit">Sign in</button>
      </form>
    </Page>
  );
}

interface FieldProps {
  readonly name: string;
  readonly label: string;
  readonly autocomplete: string;
  readonly isSecret?: boolean;
}

function Field({ name, label, autocomplete, isSecret = false }: FieldProps) {
  const attributes = { id: name, name, autocomplete, maxLength: 1024, required: true };
  return (
    <p class="field">
      <label for={name}>{label}</label>
      {isSecret ? <input type="password" {...attributes} /> : <input type="text" {...attributes} />}
    </p>
  );
}

/** Six digits, with or without blanks, are a code of an app. Every other text is a recovery code. */
function proofOf(typed: string): object {
  const code = typed.replace(/\s/g, '');
  return /^\d{6}$/.test(code) ? { code } : { recoveryCode: typed };
}
