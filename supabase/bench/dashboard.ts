import type { Page } from "playwright-core";
import { type Stage, setKnob, setStage, submit } from "../../web/e2e/stage.ts";
import { emit, percentile } from "./emit.ts";

const ORDERS = 30;

/** Measures how long after its commit a change of an order stands on the dashboard, in a real browser on the embedded platform. */
export async function benchDashboard(): Promise<void> {
  const stage = await setStage();
  try {
    await setKnob(stage.sql, "ORDER_TTL_SECONDS_ENTRY", "3600");
    await setKnob(stage.sql, "MAX_DAILY_NOTIONAL", "100000");
    const page = await stage.signedIn();
    const delays: number[] = [];
    for (let round = 0; round <= ORDERS; round += 1) {
      const [shown, asked] = await placeAndCancel(stage, page);
      if (round > 0) delays.push(shown, asked); // the first round warms everything up
    }
    for (const share of [0.5, 0.95])
      emit(`order_change_to_dom_p${share * 100}`, percentile(delays, share), "ms", { changes: delays.length });
  } finally {
    await stage.stop();
  }
}

/** Returns the milliseconds until a new order was on the screen, and until its cancel was. */
async function placeAndCancel({ sql }: Stage, page: Page): Promise<[shown: number, asked: number]> {
  const appears = watch(page, "ETH-USD");
  const order = await submit(sql, { symbol: "ETH-USD", side: "buy", at: 0.8 });
  const shown = await since(appears);
  await watch(page, "working");
  const isPending = watch(page, "cancel pending");
  await sql`select public.request_cancel(${order}, 'benchmark')`;
  const asked = await since(isPending);
  await watch(page, "No order is open.");
  return [shown, asked];
}

/** Milliseconds from now, when the commit was confirmed, to the moment on the page's clock, which is this machine's. */
async function since(moment: Promise<number>): Promise<number> {
  const committed = Date.now();
  return Math.max(0, (await moment) - committed);
}

/** Resolves to the moment at which the open orders first say this text. */
const watch = (page: Page, text: string): Promise<number> =>
  page
    .getByRole("region", { name: "Open orders", exact: true })
    .first()
    .evaluate(
      (region, wanted) =>
        new Promise<number>((resolve) => {
          if (region.textContent?.includes(wanted)) return resolve(Date.now());
          new MutationObserver((_, observer) => {
            if (!region.textContent?.includes(wanted)) return;
            observer.disconnect();
            resolve(Date.now());
          }).observe(region, { childList: true, characterData: true, subtree: true });
        }),
      text,
    );
