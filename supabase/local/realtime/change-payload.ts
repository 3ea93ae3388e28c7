import type { RowChange } from "./change-stream.ts";
import type { RenderedChange } from "./rendered-change.ts";
import type { TableShape } from "./table-catalog.ts";

const MOST_BYTES = 1_048_576;
const SMALL_VALUE_BYTES = 64;

export const NO_KEY = "Error 400: Bad Request, no primary key";
export const UNAUTHORIZED = "Error 401: Unauthorized";
const TOO_LARGE = "Error 413: Payload Too Large";

/** Writes the `data` of a postgres_changes event with the columns a subscriber may and wants to see. */
export function changeData(
  shape: TableShape,
  change: RowChange,
  rendered: RenderedChange,
  isShown: (column: string) => boolean,
): string {
  const columns = shape.columns.filter(({ name }) => isShown(name));
  // With row level security a deletion can't be checked against the row: it tells the key and nothing else.
  const keyOnly = change.type === "DELETE" && shape.hasRls;
  const keys = new Set(shape.columns.filter((column) => column.inKey).map(({ name }) => name));
  const record = shown(rendered.record, isShown);
  const oldRecord = shown(rendered.oldRecord, (name) => isShown(name) && (!keyOnly || keys.has(name)));
  const isTooLarge = bytes(record) + bytes(oldRecord) > MOST_BYTES;
  const fits = ([, value]: Field) => !isTooLarge || Buffer.byteLength(value) <= SMALL_VALUE_BYTES;
  const types = columns.map(({ name, typeName }) => ({ name, type: typeName }));
  return dataText(change, JSON.stringify(types), isTooLarge ? [TOO_LARGE] : null, {
    ...(change.type === "DELETE" ? {} : { record: objectText(record.filter(fits)) }),
    ...(change.type === "INSERT" ? {} : { old_record: objectText(oldRecord.filter(fits)) }),
  });
}

/** Writes the `data` of an event that tells only that something happened, and why no more is told. */
export function refusedData(change: RowChange, error: string): string {
  return dataText(change, "[]", [error], {
    ...(change.type === "DELETE" ? {} : { record: "{}" }),
    ...(change.type === "INSERT" ? {} : { old_record: "{}" }),
  });
}

type Field = [name: string, json: string];

function dataText(
  change: RowChange,
  columns: string,
  errors: string[] | null,
  records: Record<string, string>,
): string {
  const fields: Record<string, string> = {
    schema: JSON.stringify(change.schema),
    table: JSON.stringify(change.table),
    commit_timestamp: JSON.stringify(change.committedAt.toISOString()),
    type: JSON.stringify(change.type),
    columns,
    ...records,
    errors: JSON.stringify(errors),
  };
  return objectText(Object.entries(fields));
}

function shown(record: Map<string, string>, isShown: (name: string) => boolean): Field[] {
  return [...record].filter(([name]) => isShown(name));
}

function objectText(fields: Field[]): string {
  return `{${fields.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(",")}}`;
}

function bytes(fields: Field[]): number {
  return fields.reduce((sum, [name, json]) => sum + Buffer.byteLength(name) + Buffer.byteLength(json), 0);
}
