import pg from "pg";
import type { ChangeRequest } from "./change-request.ts";
import { conditionSql } from "./filter.ts";
import type { Identity } from "./identity.ts";
import { Parameters } from "./parameters.ts";
import type { TableCatalog, TableColumn } from "./table-catalog.ts";

/** Returns why the request can't be served, or undefined when it can. */
export async function findObjection(
  pool: pg.Pool,
  catalog: TableCatalog,
  request: ChangeRequest,
  identity: Identity,
): Promise<string | undefined> {
  const tables = await catalog.published(request.schema, request.table);
  if (tables.length === 0) return notEnabled(request);
  if (request.table === "*" || request.schema === "*") return undefined;
  const shape = await catalog.shapeOf(tables[0] ?? 0);
  if (!shape) return notEnabled(request);
  const columns = new Map(shape.columns.map((column) => [column.name, column]));
  for (const name of [...request.conditions.map((condition) => condition.column), ...(request.select ?? [])]) {
    const readable = columns.has(name) && (await mayRead(pool, identity, shape.tableId, name));
    if (!readable) return `Unable to subscribe to changes: invalid column for filter ${name}`;
  }
  return tryConditions(pool, request, columns);
}

function notEnabled({ event, schema, table }: ChangeRequest): string {
  return `RealtimeDisabledForConfiguration: Unable to subscribe to changes with given parameters. Please check Realtime is enabled for the given connect parameters: [event: ${event}, schema: ${schema}, table: ${table}]`;
}

async function mayRead(pool: pg.Pool, { role }: Identity, tableId: number, column: string): Promise<boolean> {
  const { rows } = await pool.query<{ may: boolean }>("select has_column_privilege($1, $2::oid, $3, 'select') as may", [
    role,
    tableId,
    column,
  ]);
  return rows[0]?.may ?? false;
}

/** Runs the filter over a row of nulls, so that a value of the wrong type is told now and not at the first change. */
async function tryConditions(pool: pg.Pool, { conditions }: ChangeRequest, columns: Map<string, TableColumn>) {
  try {
    for (const condition of conditions) {
      const { sqlType = "text" } = columns.get(condition.column) ?? {};
      const parameters = new Parameters();
      const test = conditionSql(condition, `null::${sqlType}`, sqlType, parameters.place);
      const pattern = condition.operator === "match" || condition.operator === "imatch" ? ", '' ~ $1::text" : "";
      await pool.query(`select ${test}${pattern}`, parameters.values);
    }
    return undefined;
  } catch (error) {
    if (error instanceof pg.DatabaseError) return `Unable to subscribe to changes: ${error.message}`;
    throw error;
  }
}
