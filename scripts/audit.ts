import { readArguments, runScript, withDatabase } from "../supabase/local/script.ts";
import { StartError } from "../supabase/local/start-error.ts";

const USAGE = "Usage: npm run audit [-- --full] [--remote=postgresql://...]";

/** Prints the head of the audit chain and verifies what is new in it, or all of it; a row that does not match ends with exit code 1. */
runScript(USAGE, async (args) => {
  const full = args.includes("--full");
  const { remote, words } = readArguments(
    args.filter((arg) => arg !== "--full"),
    USAGE,
  );
  if (words.length > 0) throw new StartError(USAGE);
  await withDatabase(remote, async (sql) => {
    const [head] = await sql`
      select id, encode(hash, 'hex') as hash, table_name, cardinality(row_ids) as rows, sealed_at
      from public.audit_seals order by id desc limit 1`;
    if (head) {
      const { id, hash, table_name, rows, sealed_at } = head;
      console.log(`head: seal ${id} of ${sealed_at.toISOString()} over ${rows} rows of ${table_name}\n      ${hash}`);
    } else console.log("Nothing is sealed yet: seals are made every minute.");
    const [row] = await sql`select public.verify_audit_log(${full}) as result`;
    console.log(`verification: ${row?.result?.message}`);
    if (row?.result?.ok === false)
      throw new StartError(`The audit chain does not match the book: ${JSON.stringify(row.result.first_bad)}`);
  });
});
