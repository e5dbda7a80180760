import { useRef, useState } from 'preact/hooks';
import { CHALLENGE_LIFE, MAX_ANSWERS } from '../../../src/domain/challenge.ts';
import { call, ServiceRefusal } from './api.ts';
import { ErrorText } from './loaded.tsx';
import { Page } from './page.tsx';

interface Props {
  /** Why the operator has to sign in again; null at first. */
  readonly notice: string | null;
  readonly onSignedIn: () => void;
}

/** The challenge of the second step, as this page knows it. */
interface Challenge {
  readonly sealed: string;
  /** When the page got the challenge, in milliseconds. */
  readonly since: number;
  /** The number of refused answers. */
  readonly refused: number;
}

/** The form for signing in: first the password, then the second factor if the account has one. */
export function SignIn({ notice, onSignedIn }: Props) {
  const [challenge, setChallenge] = useState<Challenge | null>(null);
  const [error, setError] = useState<string | null>(null);
  const isRunning = useRef(false);

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    if (isRunning.current) return; // a second click would open a second session
    isRunning.current = true;
    const fields = Object.fromEntries(new FormData(event.target as HTMLFormElement));
    try {
      if (challenge === null) await call('POST', '/console/session', { body: fields });
      else
        await call('POST', '/console/session/second-factor', {
          body: { challenge: challenge.sealed, ...proofOf(String(fields.code)) },
        });
      onSignedIn();
    } catch (refusal) {
      if (!(refusal instanceof Error)) throw refusal;
      if (refusal instanceof ServiceRefusal && refusal.code === 'second_factor_required') {
        setChallenge({ sealed: String(refusal.problem.challenge), since: Date.now(), refused: 0 });
        setError(null);
        return;
      }
      const isAnswer = challenge !== null && refusal instanceof ServiceRefusal;
      const next = isAnswer ? afterRefusal(challenge, refusal) : challenge;
      setChallenge(next);
      setError(isAnswer && refusal.code === 'proof_refused' ? wordsForRefusedCode(next) : refusal.message);
    } finally {
      isRunning.current = false;
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

/**
 * The challenge for the next answer; null if the sign-in begins again. The service refuses a wrong code and an expired
 * challenge alike, so the limits of the domain tell them apart.
 */
function afterRefusal(challenge: Challenge, { status, code }: ServiceRefusal): Challenge | null {
  // A 403 refuses the account. If the code was right, the challenge is used up.
  if (status === 403) return null;
  if (code !== 'proof_refused') return challenge;
  const refused = challenge.refused + 1;
  const isAlive = refused < MAX_ANSWERS && Date.now() < challenge.since + CHALLENGE_LIFE;
  return isAlive ? { ...challenge, refused } : null;
}

function wordsForRefusedCode(next: Challenge | null): string {
  return next === null
    ? 'The code was refused. After five codes or five minutes, every code is refused: sign in again.'
    : 'The code is wrong, or was used before. After five codes or five minutes, every code is refused.';
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
