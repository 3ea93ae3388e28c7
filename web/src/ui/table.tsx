import type { KeyboardEvent, ReactNode } from "react";

/** One column: `numeric` ones are right-aligned with tabular digits; `minor` ones are dropped on a phone. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => ReactNode;
  readonly numeric?: boolean;
  readonly minor?: boolean;
}

/** A table that scrolls inside itself; a row can be opened by click or Enter. */
export function Table<Row>(props: {
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  onOpen?: (row: Row) => void;
}) {
  const style = (column: Column<Row>) =>
    [column.numeric ? "numeric" : "", column.minor ? "minor" : ""].join(" ").trim() || undefined;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <section className="table-scroll" aria-label={props.label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {props.columns.map((column) => (
              <th key={column.title} scope="col" className={style(column)}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {props.rows.map((row) => (
            <tr key={props.rowKey(row)} {...opening(row, props.onOpen)}>
              {props.columns.map((column) => (
                <td key={column.title} className={style(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function opening<Row>(row: Row, onOpen?: (row: Row) => void) {
  if (!onOpen) return {};
  return {
    className: "openable",
    tabIndex: 0,
    onClick: () => onOpen(row),
    onKeyDown: (event: KeyboardEvent) => {
      if (event.key === "Enter" && event.target === event.currentTarget) onOpen(row);
    },
  };
}
