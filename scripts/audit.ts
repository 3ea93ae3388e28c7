import { readArguments, runScript, withDatabase } from "../supabase/local/script.ts";
import { StartError } from "../supabase/local/start-error.ts";

const USAGE = "Usage: npm run audit [-- --remote=postgresql://...]";

/** Prints the head of the audit chain and verifies the whole chain; a row that does not match ends with exit code 1. */
runScript(async (args) => {
  const { remote, words } = readArguments(args, USAGE);
  if (words.length > 0) throw new StartError(USAGE);
  await withDatabase(remote, async (sql) => {
    const [head] = await sql`select * from public.audit_seals order by id desc limit 1`;
    console.log(head ? `head: ${JSON.stringify(head)}` : "Nothing is sealed yet: seals are made every minute.");
    const [row] = await sql`select public.verify_audit_log() as result`;
    console.log(`verification: ${JSON.stringify(row?.result)}`);
    if (row?.result?.ok === false) throw new StartError("The audit chain does not match the book.");
  });
});
