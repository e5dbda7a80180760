import { escapeHtml } from '../../../../lib/html.ts';

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

/** HTML: what a form sends again without showing it. */
export function hiddenInputs(values: Readonly<Record<string, string>>): string {
  const inputs = Object.entries(values).map(
    ([name, value]) => `<input type="hidden" name="${name}" value="${escapeHtml(value)}">\n`,
  );
  return inputs.join('');
}

/** A form whose refusal is announced before its fields. The first field has the focus. */
export function formOf({ action, hidden = {}, fields, button, error }: FormParts): string {
  const failure = error === null ? '' : `<p id="error" class="error" role="alert">${escapeHtml(error)}</p>\n`;
  const inputs = fields.map((field, index) =>
    inputOf(field, { isFirst: index === 0, hasError: error !== null }),
  );
  return `<form method="post" action="${action}">
${hiddenInputs(hidden)}${failure}${inputs.join('\n')}
<button>${escapeHtml(button)}</button>
</form>`;
}

/** A labelled input. */
export function inputOf(
  { name, id = name, label, type, autocomplete, hint, value = '', minLength }: Field,
  { isFirst, hasError }: { readonly isFirst: boolean; readonly hasError: boolean },
): string {
  const hintId = `${id}-hint`;
  const descriptions = [hasError && isFirst && 'error', hint !== undefined && hintId].filter(Boolean);
  const attributes = [
    `id="${id}" name="${name}" type="${type}" autocomplete="${autocomplete}" maxlength="1024" required`,
    type === 'text' ? 'dir="auto" autocapitalize="none" spellcheck="false"' : '',
    minLength === undefined ? '' : `minlength="${minLength}"`,
    value === '' ? '' : `value="${escapeHtml(value)}"`,
    isFirst ? 'autofocus' : '',
    descriptions.length === 0 ? '' : `aria-describedby="${descriptions.join(' ')}"`,
  ];
  return `<label for="${id}">${escapeHtml(label)}</label>
${hint === undefined ? '' : `<p id="${hintId}">${escapeHtml(hint)}</p>\n`}<input ${attributes.filter(Boolean).join(' ')}>`;
}
