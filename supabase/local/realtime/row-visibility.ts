import pg from "pg";
import type { TextRow } from "./change-stream.ts";
import type { Identity } from "./identity.ts";
import { quote, tableName } from "./rendered-change.ts";
import type { TableShape } from "./table-catalog.ts";

const INSUFFICIENT_PRIVILEGE = "42501";

/** Tells whether the identity sees the row of that key right now, under its role and the table's policies. */
export async function seesRow(
  pool: pg.Pool,
  shape: TableShape,
  row: TextRow,
  identity: Identity,
  log: (line: string) => void,
): Promise<boolean> {
  try {
    const results: unknown = await pool.query(visibilitySql(shape, row, identity));
    return (results as pg.QueryResult[]).at(-1)?.rows[0]?.visible === true;
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    if (error.code !== INSUFFICIENT_PRIVILEGE)
      log(`realtime: a policy of ${shape.schema}.${shape.table} failed for ${identity.role}: ${error.message}`);
    return false; // neither a refusal nor a failing policy shows anything
  }
}

// One message to the server is one transaction, which the settings end with; it takes no parameters, so literals are escaped.
function visibilitySql(shape: TableShape, row: TextRow, { role, claims, subject }: Identity): string {
  const key = shape.columns.filter((column) => column.inKey);
  const same = key.map(({ name, sqlType }) => `t.${quote(name)} = ${pg.escapeLiteral(row[name] ?? "")}::${sqlType}`);
  const settings = {
    statement_timeout: "2s",
    "request.jwt.claims": claims,
    "request.jwt.claim.sub": subject,
    "request.jwt.claim.role": role,
    role,
  };
  const set = Object.entries(settings).map(
    ([name, value]) => `set_config('${name}', ${pg.escapeLiteral(value)}, true)`,
  );
  return `select ${set.join(", ")};
    select exists (select from ${tableName(shape)} as t where ${same.join(" and ")}) as visible`;
}
