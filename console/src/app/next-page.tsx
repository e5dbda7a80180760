import { Link } from './router.tsx';

interface Props {
  /** The path of the list. */
  readonly path: string;
  /** The filter of the list. */
  readonly query: URLSearchParams;
  /** The position behind which the next page begins. Undefined: this is the last page. */
  readonly cursor: string | undefined;
  readonly label: string;
}

/** A link to the next page of a list. */
export function NextPage({ path, query, cursor, label }: Props) {
  if (cursor === undefined) return null;
  const next = new URLSearchParams({ ...Object.fromEntries(query), cursor });
  return (
    <p>
      <Link to={`${path}?${next}`}>{label}</Link>
    </p>
  );
}
