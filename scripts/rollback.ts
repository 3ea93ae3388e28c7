import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { confirm, readArguments, runScript, withDatabase } from "../supabase/local/script.ts";
import { readSettings } from "../supabase/local/settings.ts";
import { StartError } from "../supabase/local/start-error.ts";

const USAGE = "Usage: npm run rollback -- --remote=postgresql://... [--yes]";

/** Takes everything of ours out of a database again, after asking: tables with all their data, functions, schedules, roles. */
runScript(USAGE, async (args) => {
  const { remote, yes, words } = readArguments(args, USAGE);
  if (!remote || words.length > 0) throw new StartError(USAGE);
  const file = join(readSettings(process.env).root, "supabase", "rollback.sql");
  if (!existsSync(file)) throw new StartError("supabase/rollback.sql is missing from this checkout.");
  await withDatabase(remote, async (sql) => {
    const [row] = await sql`select current_database() as name, to_regclass('public.crypto_orders') is not null as ours`;
    if (!row?.ours) throw new StartError(`The database ${row?.name} has no Zoe in it: nothing to roll back.`);
    const question = `This deletes Zoe and every order, fill and ledger entry from database "${row.name}" for good.`;
    if (!yes && !(await confirm(question, "roll back"))) throw new StartError("Not rolled back: nothing was changed.");
    await sql.unsafe(readFileSync(file, "utf8")).simple(); // one transaction of its own
    console.log(`Zoe is gone from database "${row.name}".`);
  });
});
