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
  const client = await pool.connect();
  try {
    const results: unknown = await client.query(visibilitySql(shape, row, identity));
    client.release();
    return (results as pg.QueryResult[]).some((result) => result.rows[0]?.visible === true);
  } catch (error) {
    // A refusal or a failing policy shows nothing; the connection goes, for its transaction is broken.
    client.release(true);
    if (!(error instanceof pg.DatabaseError)) throw error;
    if (error.code !== INSUFFICIENT_PRIVILEGE)
      log(`realtime: a policy of ${shape.schema}.${shape.table} failed for ${identity.role}: ${error.message}`);
    return false;
  }
}

// One message to the server: literals are escaped, because the simple protocol has no parameters.
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
  return `begin; select ${set.join(", ")};
    select exists (select from ${tableName(shape)} as t where ${same.join(" and ")}) as visible; rollback`;
}
