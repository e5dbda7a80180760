import { useState } from 'preact/hooks';
import { readAccount } from './api-users.ts';
import { ErrorText } from './loaded.tsx';

type Answer = { readonly email: string } | { readonly error: string };

/** A button that finds the address of a user. A link that begins a mail to the address then replaces the button. */
export function WriteToUser({ userId }: { readonly userId: string }) {
  const [answer, setAnswer] = useState<Answer | null>(null);

  async function findAddress(): Promise<void> {
    const found = await readAccount(userId, new AbortController().signal);
    setAnswer(
      found === null
        ? { error: 'This user id has no account here, so its address is not known.' }
        : { email: found.account.email },
    );
  }

  if (answer === null)
    return (
      <button
        type="button"
        class="quiet"
        onClick={() => void findAddress().catch((error: Error) => setAnswer({ error: error.message }))}
      >
        Write to the user
      </button>
    );
  if ('error' in answer) return <ErrorText message={answer.error} />;
  return <MailLink email={answer.email} />;
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
