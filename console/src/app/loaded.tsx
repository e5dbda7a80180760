import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';

export type Load<Data> =
  | { readonly state: 'loading' }
  | { readonly state: 'failed'; readonly message: string }
  | { readonly state: 'done'; readonly data: Data };

/** Loads data when `key` changes, or when `reload` is called. A newer load replaces an older one. */
export function useLoad<Data>(key: string, load: (signal: AbortSignal) => Promise<Data>) {
  const [result, setResult] = useState<Load<Data>>({ state: 'loading' });
  const [round, setRound] = useState(0);
  useEffect(() => {
    const controller = new AbortController();
    load(controller.signal).then(
      (data) => {
        if (!controller.signal.aborted) setResult({ state: 'done', data });
      },
      (error: Error) => {
        if (!controller.signal.aborted) setResult({ state: 'failed', message: error.message });
      },
    );
    return () => controller.abort();
  }, [key, round]);
  return { result, reload: () => setRound((count) => count + 1) };
}

interface LoadedProps<Data> {
  readonly result: Load<Data>;
  readonly children: (data: Data) => ComponentChildren;
}

/** Shows the loaded data, a loading note, or the error. */
export function Loaded<Data>({ result, children }: LoadedProps<Data>) {
  if (result.state === 'loading') return <p role="status">Loading…</p>;
  if (result.state === 'failed') return <ErrorText message={result.message} />;
  return <>{children(result.data)}</>;
}

export function ErrorText({ message }: { readonly message: string }) {
  return (
    <p class="error" role="alert">
      {message}
    </p>
  );
}
