import type { RequestOptions } from '../../../../ports/security/passkeys.ts';
import { CODE_FIELD, renderForm, renderHiddenInputs } from '../form.ts';
import { type Page, paragraph } from '../layout.ts';
import { PASSKEY_SCRIPT, renderPasskeyForm } from './passkey-form.ts';

/** The kinds of proof that the account can give. */
interface AskedFactors {
  /** Whether the user can type a proof: a code of an app, or a recovery code. */
  readonly canType: boolean;
  readonly passkey: { readonly challenge: string; readonly publicKey: RequestOptions } | null;
}

/** The page between a sensitive change and its result. Its forms send the change again, with a proof. */
export function proofPage(
  {
    action,
    hiddenFields,
  }: { readonly action: string; readonly hiddenFields: Readonly<Record<string, string>> },
  { canType, passkey }: AskedFactors,
  error: string | null,
): Page {
  const parts = [
    ...(canType
      ? [renderForm({ action, hidden: hiddenFields, fields: [CODE_FIELD], button: 'Continue', error })]
      : []),
    ...(passkey === null
      ? []
      : [
          renderPasskeyForm({
            kind: 'get',
            action,
            ...passkey,
            fields: renderHiddenInputs(hiddenFields),
            button: 'Continue with your passkey',
            error: canType ? null : error,
          }),
        ]),
  ];
  return {
    title: 'Confirm that it is you',
    hasError: error !== null,
    ...(passkey !== null && { script: PASSKEY_SCRIPT }),
    content: `${paragraph('This change needs a proof of your second factor.')}
${parts.join('\n')}
<p><a href="/account">Back to your account, without the change</a></p>`,
  };
}
