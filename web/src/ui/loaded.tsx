import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";

/** Shows a query's states in the order loading, error, empty, data; old data stays on screen under an error. */
export function Loaded<T>(props: {
  query: UseQueryResult<T>;
  isEmpty?: (data: T) => boolean;
  empty?: string;
  children: (data: T) => ReactNode;
}) {
  const { query } = props;
  const failure = query.isError && (
    <p className="error" role="alert">
      Could not be read: {query.error.message}{" "}
      <button type="button" className="link" onClick={() => void query.refetch()}>
        Try again
      </button>
    </p>
  );
  if (query.data === undefined) return failure || <p className="loading">Loading…</p>;
  const isEmpty = props.isEmpty ?? ((data: T) => Array.isArray(data) && data.length === 0);
  return (
    <>
      {failure}
      {isEmpty(query.data) ? <p className="empty">{props.empty ?? "Nothing yet."}</p> : props.children(query.data)}
    </>
  );
}
