import type { PageSession } from '../../../../app/account-pages/find-page-session.ts';
import type { AccountPageContext } from './context.ts';

/** Whether the user must prove the second factor before the form for a new password is shown. */
export async function needsSecondFactor(
  { listFactors }: Pick<AccountPageContext, 'listFactors'>,
  { userId, isRecent, authentication }: PageSession,
): Promise<boolean> {
  const isProven = isRecent && authentication.acr === 'aal2';
  return !isProven && (await listFactors(userId)).factors.length > 0;
}

/**
 * Whether a form for a sensitive change asks for the password. For an account with a second factor the password is not
 * enough. Its user proves the factor, on the proof page or by a new sign-in.
 */
export async function needsPassword(
  { listFactors }: Pick<AccountPageContext, 'listFactors'>,
  { userId, isRecent }: PageSession,
): Promise<boolean> {
  return !isRecent && (await listFactors(userId)).factors.length === 0;
}
