/** Coinbase Exchange's public API. */
export const LIVE_FEED_URL = "https://api.exchange.coinbase.com";

/** Whether the live feed answers; `reason` says in words why not. */
export type LiveFeed = { readonly reachable: true } | { readonly reachable: false; readonly reason: string };

/** Asks a market feed for its time and waits two seconds at most. Never throws. */
export async function probeLiveFeed(url = LIVE_FEED_URL): Promise<LiveFeed> {
  try {
    const response = await fetch(`${url}/time`, {
      headers: { "user-agent": "zoe" },
      signal: AbortSignal.timeout(2_000),
    });
    if (!response.ok) return { reachable: false, reason: `${url} answers ${response.status}` };
    const body: unknown = await response.json();
    const isTime = typeof body === "object" && body !== null && "epoch" in body && typeof body.epoch === "number";
    return isTime ? { reachable: true } : { reachable: false, reason: `${url} is not Coinbase Exchange` };
  } catch (error) {
    return { reachable: false, reason: `${url} does not answer (${causeOf(error)})` };
  }
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return "no answer in 2 seconds";
  return error.cause instanceof Error ? error.cause.message : error.message;
}
