import { escapeHtml } from '../../../../lib/html.ts';
import { renderHiddenInputs } from '../form.ts';

export const PASSKEY_SCRIPT = '/account/passkeys.js';

/** Shows the forms of passkeys, and fills in what the browser answers. Plain JavaScript: no build step makes it. */
export const PASSKEY_SCRIPT_SOURCE = `'use strict';
const FAILURES = {
  NotAllowedError: 'No passkey was used: you cancelled, it took too long, or there is no passkey for this account. Try again.',
  InvalidStateError: 'This device has a passkey for this account already.',
  other: 'This browser cannot use passkeys on this page. Update it, or use another browser.',
};
for (const form of document.querySelectorAll('form[data-passkey]')) {
  const failure = form.querySelector('[role=alert]');
  const ask = async () => {
    const options = JSON.parse(form.dataset.options);
    if (form.dataset.passkey === 'create') {
      const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
      return navigator.credentials.create({ publicKey });
    }
    return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  };
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    failure.textContent = '';
    try {
      form.elements.credential.value = JSON.stringify(await ask());
      form.submit();
    } catch (error) {
      failure.textContent = FAILURES[error.name] ?? FAILURES.other;
    }
  });
  form.hidden = false;
}
`;

interface PasskeyForm {
  /** Whether the browser makes a passkey, or proves that it has one. */
  readonly kind: 'create' | 'get';
  readonly action: string;
  readonly challenge: string;
  /** The options of the browser, as JSON in WebAuthn. */
  readonly publicKey: object;
  /** HTML. */
  readonly fields?: string;
  readonly button: string;
  /** Why the previous answer was refused, if no other form of the page says so. */
  readonly error?: string | null;
}

/** A form that the script shows and submits. Without script the page says that passkeys need it. */
export function renderPasskeyForm({
  kind,
  action,
  challenge,
  publicKey,
  fields = '',
  button,
  error = null,
}: PasskeyForm): string {
  return `<form method="post" action="${action}" data-passkey="${kind}" data-options="${escapeHtml(JSON.stringify(publicKey))}" hidden>
${renderHiddenInputs({ challenge, credential: '' })}${fields}<p class="error" role="alert">${escapeHtml(error ?? '')}</p>
<button>${escapeHtml(button)}</button>
</form>
<noscript><p>Passkeys need a browser that runs scripts.</p></noscript>`;
}
