import type { ComponentChildren } from 'preact';
import { useId, useRef, useState } from 'preact/hooks';
import { statedReasonFault } from '../../../src/domain/visible-text.ts';
import { ErrorText } from './loaded.tsx';

interface Props {
  readonly label: string;
  /** What will happen, as a sentence. */
  readonly consequence: string;
  /** Whether the change removes nothing. Default: false. */
  readonly harmless?: boolean;
  /** What the operator fills in beside the reason. */
  readonly fields?: ComponentChildren;
  /** Runs before the dialog opens. False: the dialog does not open. */
  readonly mayOpen?: () => Promise<boolean>;
  readonly run: (reason: string, fields: FormData) => Promise<unknown>;
  readonly onDone: () => void;
}

/** A button for a change. It asks for the reason, which the service logs together with the operator. */
export function ActionButton({ label, consequence, harmless = false, fields, mayOpen, run, onDone }: Props) {
  const style = harmless ? 'plain' : 'danger';
  const dialog = useRef<HTMLDialogElement>(null);
  const isRunning = useRef(false);
  const [error, setError] = useState<string | null>(null);
  const id = useId();

  async function open(): Promise<void> {
    setError(null);
    try {
      if (mayOpen !== undefined && !(await mayOpen())) return;
    } catch (refusal) {
      if (!(refusal instanceof Error)) throw refusal;
      setError(refusal.message);
    }
    // A second click can come while `mayOpen` runs.
    if (dialog.current?.open === false) dialog.current.showModal();
  }

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    if (isRunning.current) return; // a second click while the service has not answered
    isRunning.current = true;
    const form = event.target as HTMLFormElement;
    try {
      const filled = new FormData(form);
      const reason = String(filled.get('reason')).trim();
      const fault = statedReasonFault(reason);
      if (fault !== null) throw new Error(`The reason ${fault}.`);
      await run(reason, filled);
      dialog.current?.close();
      form.reset();
      setError(null);
      onDone();
    } catch (refusal) {
      if (!(refusal instanceof Error)) throw refusal;
      setError(refusal.message);
    } finally {
      isRunning.current = false;
    }
  }

  return (
    <>
      <button type="button" class={style} onClick={() => void open()}>
        {label}
      </button>
      <dialog ref={dialog} aria-labelledby={`${id}-title`}>
        <h2 id={`${id}-title`}>{label}?</h2>
        <p>{consequence}</p>
        {error !== null && <ErrorText message={error} />}
        <form onSubmit={submit}>
          {fields}
          <p class="field">
            <label for={id}>Reason, for the log</label>
            <input id={id} name="reason" required autocomplete="off" />
          </p>
          <p class="buttons">
            <button type="submit" class={style}>
              {label}
            </button>
            <button type="button" class="quiet" onClick={() => dialog.current?.close()}>
              Cancel
            </button>
          </p>
        </form>
      </dialog>
    </>
  );
}
