import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';

const BASE = '/console';
const NAVIGATED = 'console-navigated';

/** The path of the page below the console, such as `/sessions/…`, and its query. */
export interface Place {
  readonly path: string;
  readonly query: URLSearchParams;
}

function currentPlace(): Place {
  const { pathname, search } = location;
  return { path: pathname.slice(BASE.length) || '/', query: new URLSearchParams(search) };
}

export function usePlace(): Place {
  const [place, setPlace] = useState(currentPlace);
  useEffect(() => {
    const update = () => setPlace(currentPlace());
    for (const name of ['popstate', NAVIGATED]) addEventListener(name, update);
    return () => {
      for (const name of ['popstate', NAVIGATED]) removeEventListener(name, update);
    };
  }, []);
  return place;
}

/** The path of a user's page. A user id can hold any visible character. */
export const pathOfUser = (userId: string) => `/users/${encodeURIComponent(userId)}`;

/** Shows another page of the console. */
export function go(path: string): void {
  history.pushState(null, '', BASE + path);
  dispatchEvent(new Event(NAVIGATED));
  scrollTo(0, 0);
}

interface LinkProps {
  readonly to: string;
  readonly current?: boolean;
  readonly children: ComponentChildren;
}

/** A link to a page of the console. With a modifier key the browser opens it as usual. */
export function Link({ to, current = false, children }: LinkProps) {
  const follow = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    go(to);
  };
  return (
    <a href={BASE + to} onClick={follow} aria-current={current ? 'page' : undefined}>
      {children}
    </a>
  );
}
