/** What to look at again when a row of a published table changes: the first words of query keys. */
export const AFFECTED = {
  crypto_orders: ["orders", "timeline", "header", "positions"],
  crypto_fills: ["fills", "orders", "positions", "header", "log"],
  candidate_scans: ["scan", "prices", "positions", "header", "log"],
  crypto_cash_snapshots: ["equity", "header"],
  order_events: ["timeline"],
  alerts: ["alerts", "header", "log"],
  config: ["config", "header"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** What is asked every two seconds while the socket is down: prices and what is made of them. */
export const PRICES = ["prices", "positions", "header"] as const;
