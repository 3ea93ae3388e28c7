import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../../..");
const FOLDER = resolve(ROOT, "../shared/data");
const MISSING = "recorded market data is not at ../shared/data";

/** Returns the path of a recorded file, which need not exist. */
export function marketDataFile(name: string): string {
  return join(FOLDER, name);
}

/**
 * Says whether tests that need these recorded files can run. When one is missing they are to be skipped, which is said in one line;
 * with MARKET_DATA_REQUIRED set that is an error instead. Use: `describe.skipIf(!hasMarketData("a.csv"))("... (recorded data)", ...)`.
 */
export function hasMarketData(...names: readonly string[]): boolean {
  const absent = names.filter((name) => !existsSync(marketDataFile(name)));
  if (absent.length === 0) return true;
  const message = `${MISSING}: ${absent.join(", ")}`;
  if (process.env.MARKET_DATA_REQUIRED) throw new Error(message);
  console.warn(`skipped, ${message}`);
  return false;
}
