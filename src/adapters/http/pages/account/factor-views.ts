import { encodeQR } from 'qr';
import type { PasskeyCreation } from '../../../../app/factors/begin-passkey.ts';
import type { ListedFactors } from '../../../../app/factors/list-factors.ts';
import { escapeHtml } from '../../../../lib/html.ts';
import { renderButtonForm, renderForm, renderInput } from '../form.ts';
import { type Page, paragraph } from '../layout.ts';
import { PASSKEY_SCRIPT, renderPasskeyForm } from './passkey-form.ts';
import { renderTime } from './times.ts';

const BACK = '<p><a href="/account/factors">Back to your second factors</a></p>';
const KINDS = { totp: 'Authenticator app', passkey: 'Passkey' } as const;

/** HTML: the label, the kind and the times of a factor. */
export function describeFactor({
  kind,
  label,
  createdAt,
  lastUsedAt,
}: ListedFactors['factors'][number]): string {
  const used = lastUsedAt === null ? '' : `, last used ${renderTime(lastUsedAt)}`;
  const name = `<bdi>${escapeHtml(label)}</bdi>${label === KINDS[kind] ? '' : ` (${KINDS[kind]})`}`;
  return `${name}: added ${renderTime(createdAt)}${used}`;
}

interface FactorsState {
  readonly asksPassword: boolean;
  /** Why a change was refused. */
  readonly error: string | null;
}

/** The factors with a button to remove each, and forms to add others. */
export function factorsPage({ factors, recoveryCodes }: ListedFactors, state: FactorsState): Page {
  const failure =
    state.error === null ? '' : `<p class="error" role="alert">${escapeHtml(state.error)}</p>\n`;
  const items = factors.map((factor) => {
    const removal = renderButtonForm({
      action: '/account/factors/remove',
      hidden: { id: factor.id },
      button: 'Remove',
      label: `Remove ${factor.label}`,
    });
    return `<li>
<p>${describeFactor(factor)}</p>
${removal}
</li>`;
  });
  const list =
    items.length === 0
      ? paragraph('Your account has none.')
      : `<ul class="cards">\n${items.join('\n')}\n</ul>\n`;
  return {
    title: 'Your second factors',
    hasError: state.error !== null,
    content: `${failure}<p>With a second factor, the password alone does not sign in.</p>
${list}${factors.length === 0 ? '' : recoverySection(recoveryCodes)}${addSection('totp', 'Add an authenticator app', state)}
${addSection('passkeys/begin', 'Add a passkey', state)}
<p><a href="/account">Back to your account</a></p>`,
  };
}

function recoverySection(left: number): string {
  return `<h2>Recovery codes</h2>
<p>Unused recovery codes: ${left}. Each replaces a second factor once. When you remove your last second factor, the codes are removed, too.</p>
${left === 0 ? '<p>Make recovery codes now. Without them, the loss of your device can lock you out.</p>\n' : ''}${renderButtonForm({ action: '/account/factors/recovery-codes', button: 'Make new recovery codes' })}
`;
}

function addSection(path: string, title: string, { asksPassword }: FactorsState): string {
  const field = renderInput(
    {
      id: `password-${path.split('/')[0]}`,
      name: 'password',
      label: 'Password',
      type: 'password',
      autocomplete: 'current-password',
    },
    { isFirst: false, hasError: false },
  );
  const fields = asksPassword ? field : '';
  return `<h2>${title}</h2>
${renderButtonForm({ action: `/account/factors/${path}`, fields, button: title })}`;
}

/** Groups of four characters, which are easier to type. Authenticator apps accept the spaces. */
function inGroups(secret: string): string {
  return secret.replace(/.{4}(?=.)/g, '$& ');
}

/** The page that asks for the first code. `uri` null: the secret was already shown. */
export function confirmAppPage(id: string, uri: string | null, error: string | null): Page {
  const secret = uri === null ? '' : (new URL(uri).searchParams.get('secret') ?? '');
  const steps =
    uri === null
      ? `<p>The picture and the key are shown only once. If the app shows no code for this account, or its codes are refused, <a href="/account/factors">add the app again</a>.</p>\n`
      : `<p>Scan this picture with the app, or type the key into it.</p>
<div class="qr" role="img" aria-label="Picture for the app to scan">${encodeQR(uri, 'svg')}</div>
<p>Key: <code>${escapeHtml(inGroups(secret))}</code></p>\n`;
  return {
    title: 'Confirm your authenticator app',
    hasError: error !== null,
    content: `${steps}${renderForm({
      action: '/account/factors/totp/confirm',
      hidden: { id },
      fields: [
        {
          name: 'code',
          label: 'Code',
          type: 'text',
          autocomplete: 'one-time-code',
          hint: 'The six digits that the app shows now.',
        },
      ],
      button: 'Confirm',
      error,
    })}\n${BACK}`,
  };
}

/** The page with new recovery codes, which are shown only once. */
export function recoveryCodesPage(codes: readonly string[]): Page {
  return {
    title: 'Your recovery codes',
    content: `${paragraph('Each of these codes replaces a second factor once. Print them or write them down: they are not shown again. Earlier codes are no longer valid.')}<ul class="codes">
${codes.map((code) => `<li>${escapeHtml(code)}</li>`).join('\n')}
</ul>
${BACK}`,
  };
}

export function newPasskeyPage({ challenge, publicKey }: PasskeyCreation): Page {
  const label = renderInput(
    { name: 'label', label: 'Name of the passkey', type: 'text', autocomplete: 'off', value: 'Passkey' },
    { isFirst: true, hasError: false },
  );
  return {
    title: 'Add a passkey',
    script: PASSKEY_SCRIPT,
    content: `${renderPasskeyForm({
      kind: 'create',
      action: '/account/factors/passkeys',
      challenge,
      publicKey,
      fields: label,
      button: 'Make the passkey',
    })}\n${BACK}`,
  };
}
