import { useState } from 'preact/hooks';
import { readAccount } from './api-users.ts';
import { ErrorText } from './loaded.tsx';

/**
 * A button that finds the address of a user. A link that begins a mail to the address then replaces the button. After a
 * failure the button stays.
 */
export function WriteToUser({ userId }: { readonly userId: string }) {
  const [email, setEmail] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);

  async function findAddress(): Promise<void> {
    setError(null);
    const found = await readAccount(userId, new AbortController().signal);
    if (found === null) setError('This user id has no account here, so its address is not known.');
    else setEmail(found.account.email);
  }

  if (email !== null) return <MailLink email={email} />;
  return (
    <>
      <button
        type="button"
        class="quiet"
        onClick={() => void findAddress().catch((failure: Error) => setError(failure.message))}
      >
        Write to the user
      </button>
      {error !== null && <ErrorText message={error} />}
    </>
  );
}

/** A link that begins a mail. RFC 6068 requires a literal `@`. */
export function MailLink({ email }: { readonly email: string }) {
  const at = email.lastIndexOf('@');
  return (
    <a href={`mailto:${encodeURIComponent(email.slice(0, at))}${email.slice(at)}`}>
      <bdi>{email}</bdi>
    </a>
  );
}
