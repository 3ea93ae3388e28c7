import type pg from "pg";
import { PUBLICATION } from "./change-stream.ts";

export interface TableColumn {
  name: string;
  /** With its schema and modifier, fit for a cast. */
  sqlType: string;
  /** As pg_type names it, which is what clients convert by. */
  typeName: string;
  inKey: boolean;
  isGenerated: boolean;
}

/** A table as far as Realtime needs to know it. */
export interface TableShape {
  tableId: number;
  schema: string;
  table: string;
  hasRls: boolean;
  columns: TableColumn[];
}

/** Reads and remembers the shape of tables until something about them changes. */
export class TableCatalog {
  readonly #pool: pg.Pool;
  readonly #known = new Map<number, TableShape>();

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  forget(tableId: number): void {
    this.#known.delete(tableId);
  }

  /** Returns the table's shape, or undefined when it is gone. */
  async shapeOf(tableId: number): Promise<TableShape | undefined> {
    const known = this.#known.get(tableId);
    if (known) return known;
    const { rows } = await this.#pool.query<TableShape>(SHAPE, [tableId]);
    const shape = rows[0];
    if (shape) this.#known.set(tableId, shape);
    return shape;
  }

  /** Returns the published tables of that name; `*` stands for all. */
  async published(schema: string, table: string): Promise<number[]> {
    const { rows } = await this.#pool.query<{ id: number }>(
      `select c.oid::integer as id from pg_publication_tables as p
       join pg_class as c on c.relname = p.tablename and c.relnamespace::regnamespace = quote_ident(p.schemaname)::regnamespace
       where p.pubname = $1 and ($2 = '*' or p.schemaname = $2) and ($3 = '*' or p.tablename = $3)`,
      [PUBLICATION, schema, table],
    );
    return rows.map((row) => row.id);
  }
}

const SHAPE = `
  select c.oid::integer as "tableId", n.nspname as schema, c.relname as "table", c.relrowsecurity as "hasRls",
    (select jsonb_agg(jsonb_build_object(
        'name', a.attname,
        'sqlType', format_type(a.atttypid, a.atttypmod),
        'typeName', t.typname,
        'isGenerated', a.attgenerated <> '',
        'inKey', coalesce(a.attnum = any (i.indkey), false)) order by a.attnum)
     from pg_attribute as a
     join pg_type as t on t.oid = a.atttypid
     left join pg_index as i on i.indrelid = c.oid and i.indisprimary
     where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
  from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
  where c.oid = $1`;
