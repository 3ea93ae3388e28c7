import type postgres from "postgres";
import { readArguments, runScript, table, withDatabase } from "../supabase/local/script.ts";
import { StartError } from "../supabase/local/start-error.ts";

const USAGE = `Usage: npm run config -- list
       npm run config -- get KEY
       npm run config -- set KEY VALUE
Add --remote=postgresql://... for a database other than the embedded one.`;

/** Reads and writes the knobs in table config; the database itself refuses an unknown key or a bad value. */
runScript(USAGE, async (args) => {
  const { words, remote } = readArguments(args, USAGE);
  const [command, key, ...value] = words;
  await withDatabase(remote, async (sql) => {
    if (command === "list" && !key) return list(sql);
    if (command === "get" && key && value.length === 0) return get(sql, key);
    if (command === "set" && key && value.length > 0) return set(sql, key, value.join(" "));
    throw new StartError(USAGE);
  });
});

async function list(sql: postgres.Sql): Promise<void> {
  console.log(table(await sql`select key, value, source, default_value as "default" from public.config order by key`));
}

async function get(sql: postgres.Sql, key: string): Promise<void> {
  const [row] = await sql`select value from public.config where key = ${key}`;
  if (!row) throw new StartError(`There is no knob ${key}; \`npm run config -- list\` names them all.`);
  console.log(row.value);
}

async function set(sql: postgres.Sql, key: string, value: string): Promise<void> {
  const [row] = await sql`update public.config set value = ${value} where key = ${key} returning value, source`;
  if (!row) throw new StartError(`There is no knob ${key}; \`npm run config -- list\` names them all.`);
  console.log(`${key} = ${row.value} (${row.source})`);
}
