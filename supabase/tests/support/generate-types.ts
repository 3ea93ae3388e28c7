import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** The committed types of the API's schema, as `npm run types:generate` writes them. */
export const TYPES_FILE = fileURLToPath(new URL("../../../shared/wire/database.types.ts", import.meta.url));

/** Returns the TypeScript types of schema `public` that the official CLI reads from the database. */
export async function generateTypes(url: string): Promise<string> {
  const manifest = createRequire(import.meta.url).resolve("supabase/package.json");
  const program = fileURLToPath(new URL("dist/supabase.js", `file://${manifest}`));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [program, "gen", "types", "--lang=typescript", "--schema", "public", `--remote=${url}`],
    { env: { ...process.env, DO_NOT_TRACK: "1", NO_COLOR: "1" }, maxBuffer: 16 * 1024 * 1024 },
  );
  return stdout.slice(stdout.indexOf("export type Json"));
}
