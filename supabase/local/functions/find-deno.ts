import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { StartError } from "../start-error.ts";

/** Finds the Deno program of the npm package `deno`; a missing package is one sentence. */
export function findDeno(): string {
  const require = createRequire(import.meta.url);
  try {
    const program = join(
      dirname(require.resolve("deno/package.json")),
      process.platform === "win32" ? "deno.exe" : "deno",
    );
    // with `npm ci --ignore-scripts` the package has not unpacked itself yet
    return existsSync(program) ? program : (require("deno/install_api.cjs") as { runInstall(): string }).runInstall();
  } catch {
    throw new StartError("The package deno is missing or incomplete: run `npm ci`.");
  }
}
