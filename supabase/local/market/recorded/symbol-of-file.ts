import { basename } from "node:path";
import { DataFileError } from "./data-file-error.ts";

/** Returns the symbol a file's name tells (`..._btcusd_...` and `btcusdt_...` are BTC-USD); a dollar stablecoin stands in for the dollar. */
export function symbolOfFile(path: string): string {
  const words = basename(path)
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  for (const word of words) {
    const base = /^([a-z]{2,5})usdt?$/.exec(word)?.[1];
    if (base !== undefined) return `${base.toUpperCase()}-USD`;
  }
  throw new DataFileError(`${basename(path)} names no symbol; a name such as coinbase_btcusd_1m.csv is needed`);
}
