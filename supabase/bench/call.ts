import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import type postgres from "postgres";
import type { TestDatabase } from "../tests/support/test-database.ts";

type Row = Record<string, unknown>;

/** Runs one statement and returns its rows. */
export type Call = (text: string, parameters?: readonly unknown[]) => Promise<Row[]>;

/** A way to reach the database, for one caller at a time. */
export interface Caller {
  readonly call: Call;
  end(): Promise<void>;
}

/** Returns a caller with a connection of its own. */
export function callerOverSql(sql: postgres.Sql): Caller {
  return { call: (text, parameters = []) => run(sql, text, parameters), end: () => sql.end() };
}

/** Returns a caller that sends each statement as a request of its own, which becomes a transaction of its own. */
export const callerOverRest = (url: string): Caller => ({
  call: async (text, parameters = []) => {
    const response = await fetch(url, { method: "POST", body: JSON.stringify({ text, parameters }) });
    const body = (await response.json()) as { rows?: Row[]; error?: string };
    if (!body.rows) throw new Error(body.error);
    return body.rows;
  },
  end: async () => undefined,
});

/** A bare REST gateway: JSON over HTTP, a pool, and per request a transaction that takes on the caller's claims, as PostgREST does. */
export async function serveRest(
  db: TestDatabase,
  connections: number,
): Promise<{ url: string; stop(): Promise<void> }> {
  const pool = db.connect("postgres", { max: connections });
  const server = createServer(async (request, response) => {
    const { text, parameters } = (await json(request)) as { text: string; parameters: unknown[] };
    const answer = await pool
      .begin(async (sql) => {
        await sql`select set_config('request.jwt.claims', '{"role": "service_role"}', true), set_config('request.path', '/', true)`;
        return { rows: await run(sql, text, parameters) };
      })
      .catch((error: unknown) => ({ error: String(error) }));
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await pool.end();
    },
  };
}

async function run(
  sql: postgres.Sql | postgres.TransactionSql,
  text: string,
  parameters: readonly unknown[],
): Promise<Row[]> {
  return [...(await sql.unsafe(text, parameters as string[], { prepare: true }))];
}
