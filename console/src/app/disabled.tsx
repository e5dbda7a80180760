import { ActionButton } from './action-button.tsx';
import { disableUser, enableUser, readDisabledAt } from './api.ts';
import { momentInWords } from './moment.ts';

interface Props {
  readonly userId: string;
  readonly disabledAt: string | null;
}

interface ButtonProps extends Props {
  readonly mayOpen?: () => Promise<boolean>;
  readonly onDone: () => void;
}

/** A button that disables a user, or lets a disabled user log in again. */
export function DisableButton({ userId, disabledAt, ...others }: ButtonProps) {
  return disabledAt === null ? (
    <ActionButton
      label="Disable user"
      consequence="Every session of this user ends now. New logins are refused until an operator enables the user."
      run={(reason) => disableUser(userId, reason)}
      {...others}
    />
  ) : (
    <ActionButton
      label="Enable user"
      consequence="The user can log in again. Ended sessions stay ended."
      harmless
      run={(reason) => enableUser(userId, reason)}
      {...others}
    />
  );
}

interface UnreadProps extends Props {
  readonly onRead: (disabledAt: string | null) => void;
  readonly onDone: () => void;
}

/**
 * A {@link DisableButton} for lists. A list can have too many users to read the state of each, so a click reads it. If
 * `disabledAt` was wrong, the button changes, and no dialog opens.
 */
export function DisableUnreadButton({ userId, disabledAt, onRead, onDone }: UnreadProps) {
  const isAsShown = async () => {
    const read = await readDisabledAt(userId, new AbortController().signal);
    onRead(read);
    return (read === null) === (disabledAt === null);
  };
  const finish = () => {
    // If this fails, the next click reads the state.
    isAsShown().catch(() => {});
    onDone();
  };
  return <DisableButton userId={userId} disabledAt={disabledAt} mayOpen={isAsShown} onDone={finish} />;
}

/** Says that a user is disabled, and since when. */
export function DisabledNote({ disabledAt }: Pick<Props, 'disabledAt'>) {
  return (
    <div role="status">
      {disabledAt !== null && (
        <p class="note">This user has been disabled since {momentInWords(Date.parse(disabledAt))}.</p>
      )}
    </div>
  );
}
