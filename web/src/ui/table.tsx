import type { CSSProperties, ReactNode } from "react";

/** One column. Its width is a share, in characters: what a cell holds never moves its neighbours. */
export interface Column<Row> {
  readonly title: string;
  readonly width: number;
  readonly cell: (row: Row) => ReactNode;
  /** Right-aligned with tabular digits. */
  readonly numeric?: boolean;
  /** Dropped on a phone. */
  readonly minor?: boolean;
}

/** A table of fixed columns that scrolls inside itself when even they do not fit; the first cell of a row can open it. */
export function Table<Row>(props: {
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  open?: { readonly name: (row: Row) => string; readonly onOpen: (row: Row) => void };
}) {
  const { columns, rows, rowKey, open } = props;
  const style = (column: Column<Row>) =>
    [column.numeric ? "numeric" : "", column.minor ? "minor" : ""].join(" ").trim() || undefined;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <section className="table-scroll" aria-label={props.label} tabIndex={0}>
      <table>
        <colgroup>
          {columns.map((column) => (
            <col key={column.title} className={style(column)} style={{ "--chars": column.width } as CSSProperties} />
          ))}
        </colgroup>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.title} scope="col" className={style(column)}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map((column, index) => (
                <td key={column.title} className={style(column)}>
                  {open && index === 0 ? (
                    <button
                      type="button"
                      className="opener"
                      aria-label={open.name(row)}
                      onClick={() => open.onOpen(row)}
                    >
                      {column.cell(row)}
                    </button>
                  ) : (
                    column.cell(row)
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
