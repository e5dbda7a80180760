import { escapeHtml } from '../../../lib/html.ts';

interface Field {
  /** Default: the name. */
  readonly id?: string;
  readonly name: string;
  readonly label: string;
  readonly type: 'text' | 'email' | 'password';
  readonly autocomplete: string;
  readonly hint?: string;
  /** What the user typed before. A page never repeats a password. */
  readonly value?: string;
  readonly minLength?: number;
  readonly isReadOnly?: boolean;
  /** Whether the value of this field was refused. */
  readonly isInvalid?: boolean;
}

export interface FormParts {
  readonly action: string;
  readonly hidden?: Readonly<Record<string, string>>;
  readonly fields: readonly Field[];
  readonly button: string;
  /** Why the form was refused. */
  readonly error: string | null;
}

/** The field for a code of an authenticator app, or a recovery code. */
export const CODE_FIELD: Field = {
  name: 'code',
  label: 'Code',
  type: 'text',
  autocomplete: 'one-time-code',
  hint: 'The six digits in your authenticator app, or one of your recovery codes.',
};

/** HTML: values that a form sends without showing them. */
export function renderHiddenInputs(values: Readonly<Record<string, string>>): string {
  const inputs = Object.entries(values).map(
    ([name, value]) => `<input type="hidden" name="${name}" value="${escapeHtml(value)}">\n`,
  );
  return inputs.join('');
}

/** A form whose refusal is announced before its fields. The first field that can be changed has the focus. */
export function renderForm({ action, hidden = {}, fields, button, error }: FormParts): string {
  const failure = error === null ? '' : `<p id="error" class="error" role="alert">${escapeHtml(error)}</p>\n`;
  const first = fields.find(({ isReadOnly }) => isReadOnly !== true);
  const inputs = fields.map((field) =>
    renderInput(field, { isFirst: field === first, hasError: error !== null }),
  );
  return `<form method="post" action="${action}">
${renderHiddenInputs(hidden)}${failure}${inputs.join('')}<button>${escapeHtml(button)}</button>
</form>`;
}

interface ButtonForm {
  readonly action: string;
  readonly hidden?: Readonly<Record<string, string>>;
  /** HTML before the button. */
  readonly fields?: string;
  readonly button: string;
  /** What a screen reader says instead of `button`. */
  readonly label?: string;
}

/** A form with one secondary button. */
export function renderButtonForm({ action, hidden = {}, fields = '', button, label }: ButtonForm): string {
  const aria = label === undefined ? '' : ` aria-label="${escapeHtml(label)}"`;
  return `<form method="post" action="${action}">
${renderHiddenInputs(hidden)}${fields}<button class="secondary"${aria}>${escapeHtml(button)}</button>
</form>`;
}

/** A form with one button, which posts the token of a mailed link. */
export function renderTokenForm(action: string, token: string, button: string): string {
  return renderForm({ action, hidden: { token }, fields: [], button, error: null });
}

/** A labeled input. */
export function renderInput(
  { name, id = name, label, type, autocomplete, hint, value = '', minLength, ...state }: Field,
  { isFirst, hasError }: { readonly isFirst: boolean; readonly hasError: boolean },
): string {
  const hintId = `${id}-hint`;
  const descriptions = [hasError && isFirst && 'error', hint !== undefined && hintId].filter(Boolean);
  const attributes = [
    `id="${id}" ${state.isReadOnly ? '' : `name="${name}" `}type="${type}" autocomplete="${autocomplete}"`,
    state.isReadOnly ? 'readonly' : 'maxlength="1024" required',
    type === 'text' ? 'dir="auto" autocapitalize="none" spellcheck="false"' : '',
    minLength === undefined ? '' : `minlength="${minLength}"`,
    value === '' ? '' : `value="${escapeHtml(value)}"`,
    isFirst ? 'autofocus' : '',
    state.isInvalid ? 'aria-invalid="true"' : '',
    descriptions.length === 0 ? '' : `aria-describedby="${descriptions.join(' ')}"`,
  ];
  return `<label for="${id}">${escapeHtml(label)}</label>
${hint === undefined ? '' : `<p id="${hintId}">${escapeHtml(hint)}</p>\n`}<input ${attributes.filter(Boolean).join(' ')}>
`;
}
