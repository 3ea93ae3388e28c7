import { StartError } from "../start-error.ts";
import type { Product } from "./market-source.ts";

const BASES = ["BTC", "ETH", "SOL", "AVAX", "DOGE"] as const;
const QUOTE_INCREMENT: Readonly<Record<string, string>> = { DOGE: "0.00001" };

/** Every symbol this market can serve, with Coinbase's increments. */
export const PRODUCTS: readonly Product[] = BASES.map((base) => ({
  symbol: `${base}-USD`,
  baseCurrency: base,
  quoteCurrency: "USD",
  baseIncrement: "0.00000001",
  quoteIncrement: QUOTE_INCREMENT[base] ?? "0.01",
  minMarketFunds: "1",
}));

/** Returns the product of a symbol; refuses one that is not served with a sentence. */
export function productOf(symbol: string): Product {
  const found = PRODUCTS.find((product) => product.symbol === symbol);
  if (found !== undefined) return found;
  throw new StartError(
    `${symbol} is not a product of this market; it has ${PRODUCTS.map((p) => p.symbol).join(", ")}.`,
  );
}
