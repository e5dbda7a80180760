import { ActionButton } from './action-button.tsx';
import { disableUser, enableUser } from './api.ts';
import { momentInWords } from './moment.ts';

interface Props {
  readonly userId: string;
  readonly disabledAt: string | null;
}

/** A button that disables a user, or lets a disabled user log in again. */
export function DisableButton({ userId, disabledAt, onDone }: Props & { readonly onDone: () => void }) {
  return disabledAt === null ? (
    <ActionButton
      label="Disable user"
      consequence="Every session of this user ends now. New logins are refused until an operator enables the user."
      run={(reason) => disableUser(userId, reason)}
      onDone={onDone}
    />
  ) : (
    <ActionButton
      label="Enable user"
      consequence="The user can log in again. Ended sessions stay ended."
      harmless
      run={(reason) => enableUser(userId, reason)}
      onDone={onDone}
    />
  );
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
