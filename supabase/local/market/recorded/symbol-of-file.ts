import { basename } from "node:path";
import { DataFileError } from "./data-file-error.ts";

/** Names that exchanges have for coins of ours. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  XBT: "BTC",
  XXBT: "BTC",
  XETH: "ETH",
  XDG: "DOGE",
  XXDG: "DOGE",
};
/** Kraken's long names come with a Z before the dollar; a period may stick to the end: `btcusd1m`. */
const ONE_WORD = /^(?:(x[a-z]{3})z|([a-z]{2,5}))usd[tc]?(?:\d+[a-z]{0,5})?$/;
const TWO_WORDS = /(?:^| )([a-z]{2,5}) usd[tc]?(?= |$)/;

/**
 * Returns the symbol a file's name tells: `..._btcusd_...`, `BTC-USD_1m`, `btc_usd`, `XBTUSD_60` and `btcusdt_...` are all BTC-USD; a
 * dollar stablecoin stands in for the dollar.
 */
export function symbolOfFile(path: string): string {
  const words = basename(path)
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  const [joined] = words.flatMap((word) => ONE_WORD.exec(word)?.slice(1).filter(Boolean) ?? []);
  const base = (joined ?? TWO_WORDS.exec(words.join(" "))?.[1])?.toUpperCase();
  if (base !== undefined) return `${OTHER_NAMES[base] ?? base}-USD`;
  throw new DataFileError(
    `${basename(path)} names no symbol; a name with a coin and the dollar in it is needed, such as coinbase_btcusd_1m.csv or BTC-USD_1m.csv`,
  );
}
