import { createHash } from "node:crypto";
import pg from "pg";
import type { RowChange, TextRow } from "./change-stream.ts";
import { type Condition, conditionSql } from "./filter.ts";
import type { ApiRole } from "./identity.ts";
import { Parameters } from "./parameters.ts";
import type { TableColumn, TableShape } from "./table-catalog.ts";

/** A change with its values as JSON text, exactly as Postgres writes them (no number passes through a float). */
export interface RenderedChange {
  record: Map<string, string>;
  oldRecord: Map<string, string>;
  /** Which of the given filters the row passes, in their order. */
  passed: boolean[];
  /** The columns each role may read. */
  readable: Record<string, string[]>;
}

interface RenderedRow {
  record: (string | null)[];
  old_record: (string | null)[];
  passed: boolean[];
  readable: Record<string, string[]>;
}

/** Renders a change and judges the filters and column privileges in one statement. */
export async function renderChange(
  pool: pg.Pool,
  shape: TableShape,
  change: RowChange,
  roles: ApiRole[],
  filters: Condition[][],
): Promise<RenderedChange> {
  const record = change.record ? await completeRow(pool, shape, change.record) : {};
  const oldRecord = oldRow(shape, change);
  const { place, values } = new Parameters();
  const [recordColumns, oldColumns] = [record, oldRecord].map((row) =>
    shape.columns.filter((column) => row[column.name] !== undefined),
  ) as [TableColumn[], TableColumn[]];
  const judged = change.record ? { row: "n", columns: recordColumns } : { row: "o", columns: oldColumns };
  const text = `
    select ${jsonArray("n", recordColumns)} as record, ${jsonArray("o", oldColumns)} as old_record,
      array[${filters.map((filter) => filterSql(filter, judged.row, judged.columns, place)).join(", ")}]::boolean[] as passed,
      ${readableSql(place, shape.tableId, roles)} as readable
    from (select ${typedValues(recordColumns, record, place)}) as n, (select ${typedValues(oldColumns, oldRecord, place)}) as o`;
  const name = createHash("md5").update(text).digest("hex"); // prepared once, as most changes of a table look alike
  const { rows } = await pool.query<RenderedRow>({ name, text, values });
  const row = rows[0] as RenderedRow;
  return {
    record: byName(recordColumns, row.record),
    oldRecord: byName(oldColumns, row.old_record),
    passed: row.passed,
    readable: row.readable,
  };
}

// As hosted, an UPDATE tells the identity columns even when they stayed the same.
function oldRow(shape: TableShape, { type, record, oldRecord }: RowChange): TextRow {
  if (oldRecord) return oldRecord;
  if (type !== "UPDATE" || !record) return {};
  return Object.fromEntries(shape.columns.filter((column) => column.inKey).map(({ name }) => [name, record[name]]));
}

/** Adds what the log leaves out, large values an UPDATE did not touch and generated columns, from the row of now. */
async function completeRow(pool: pg.Pool, shape: TableShape, row: TextRow): Promise<TextRow> {
  const isWhole = shape.columns.every((column) => column.isGenerated || column.name in row);
  const missing = shape.columns.filter(({ name, isGenerated }) =>
    isGenerated ? isWhole && !(name in row) : name in row && row[name] === undefined,
  );
  const key = shape.columns.filter((column) => column.inKey);
  if (missing.length === 0 || key.length === 0) return row;
  const { place, values } = new Parameters();
  const same = key
    .map((column) => `${quote(column.name)} = ${place(row[column.name])}::${column.sqlType}`)
    .join(" and ");
  const wanted = missing.map((column) => `${quote(column.name)}::text as ${quote(column.name)}`).join(", ");
  const { rows } = await pool.query<TextRow>(`select ${wanted} from ${tableName(shape)} where ${same}`, values);
  return { ...row, ...rows[0] };
}

function jsonArray(row: string, columns: TableColumn[]): string {
  return `array[${columns.map((column) => `to_jsonb(${row}.${quote(column.name)})::text`).join(", ")}]::text[]`;
}

function typedValues(columns: TableColumn[], row: TextRow, place: (value: unknown) => string): string {
  return columns.map((column) => `${place(row[column.name])}::${column.sqlType} as ${quote(column.name)}`).join(", ");
}

function filterSql(
  filter: Condition[],
  row: string,
  columns: TableColumn[],
  place: (value: unknown) => string,
): string {
  const tests = filter.map((condition) => {
    const column = columns.find(({ name }) => name === condition.column);
    if (!column) return "false"; // a DELETE tells the identity columns only
    return conditionSql(condition, `${row}.${quote(column.name)}`, column.sqlType, place);
  });
  return tests.length > 0 ? tests.join(" and ") : "true";
}

function readableSql(place: (value: unknown) => string, tableId: number, roles: ApiRole[]): string {
  return `(
    select jsonb_object_agg(r.role, array(
      select a.attname from pg_attribute as a join pg_class as c on c.oid = a.attrelid
      where a.attrelid = ${place(tableId)}::oid and a.attnum > 0 and not a.attisdropped
        and has_schema_privilege(r.role, c.relnamespace, 'usage') and has_column_privilege(r.role, a.attrelid, a.attnum, 'select')))
    from unnest(${place(roles)}::text[]) as r (role))`;
}

function byName(columns: TableColumn[], values: (string | null)[]): Map<string, string> {
  return new Map(columns.map(({ name }, at) => [name, values[at] ?? "null"]));
}

/** Returns the table's full name, quoted. */
export function tableName({ schema, table }: TableShape): string {
  return `${quote(schema)}.${quote(table)}`;
}

/** Quotes a name for SQL. */
export function quote(name: string): string {
  return pg.escapeIdentifier(name);
}
