import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StartError } from "../start-error.ts";

type Digests = Record<string, string>;

/**
 * Refuses, by name, a migration that was edited after it was applied to the data folder: the CLI compares versions, not
 * texts, and would take the old tables for the new ones.
 */
export function assertMigrationsUnchanged(dataDir: string, root: string): void {
  const file = join(dataDir, "migrations.json");
  if (!existsSync(file)) return;
  const applied = JSON.parse(readFileSync(file, "utf8")) as Digests;
  const current = digestMigrations(root);
  const edited = Object.keys(applied).filter((name) => current[name] && current[name] !== applied[name]);
  if (edited.length > 0)
    throw new StartError(
      `Edited since they were applied to ${dataDir}: ${edited.join(", ")}. \`npm run reset\` starts afresh with the new ones.`,
    );
}

/** Writes down the texts that the database now has. */
export function rememberMigrations(dataDir: string, root: string): void {
  writeFileSync(join(dataDir, "migrations.json"), `${JSON.stringify(digestMigrations(root), null, 2)}\n`);
}

function digestMigrations(root: string): Digests {
  const folder = join(root, "supabase", "migrations");
  const names = readdirSync(folder).filter((name) => name.endsWith(".sql"));
  const digest = (name: string) =>
    createHash("sha256")
      .update(readFileSync(join(folder, name)))
      .digest("hex");
  return Object.fromEntries(names.sort().map((name) => [name, digest(name)]));
}
