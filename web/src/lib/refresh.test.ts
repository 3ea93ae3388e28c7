import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { refresher } from "./refresh.ts";

let queries: QueryClient;
beforeEach(() => {
  vi.useFakeTimers();
  queries = new QueryClient();
});
afterEach(() => {
  queries.clear();
  vi.useRealTimers();
});

/** A query on screen whose answers take the given time; returns how often it has been asked and answered. */
function onScreen(key: string, takesMs: number) {
  const seen = { asked: 0, answered: 0 };
  const queryFn = async () => {
    seen.asked += 1;
    await new Promise((resolve) => setTimeout(resolve, takesMs));
    seen.answered += 1;
    return seen.answered;
  };
  new QueryObserver(queries, { queryKey: [key], queryFn, staleTime: Number.POSITIVE_INFINITY }).subscribe(() => {});
  return seen;
}

describe("looking again", () => {
  it("is one look for many changes at once, and leaves other queries alone", async () => {
    const orders = onScreen("orders", 10);
    const config = onScreen("config", 10);
    await vi.advanceTimersByTimeAsync(20);
    const { lookAgain } = refresher(queries);
    for (let change = 0; change < 50; change += 1) lookAgain(["orders"]);
    await vi.advanceTimersByTimeAsync(200);
    expect(orders.asked).toBe(2);
    expect(config.asked).toBe(1);
  });

  it("looks once more when something changed during a look, so that the last change is never missed", async () => {
    const orders = onScreen("orders", 100);
    await vi.advanceTimersByTimeAsync(150);
    const { lookAgain } = refresher(queries);
    lookAgain(["orders"]);
    await vi.advanceTimersByTimeAsync(60);
    lookAgain(["orders"]);
    await vi.advanceTimersByTimeAsync(500);
    expect(orders.asked).toBe(3);
  });

  it("gets its answers on screen even when changes never stop and answers are slow", async () => {
    onScreen("orders", 300);
    const scan = onScreen("scan", 10);
    await vi.advanceTimersByTimeAsync(350);
    const { lookAgain } = refresher(queries);
    for (let elapsed = 0; elapsed < 3000; elapsed += 50) {
      lookAgain(["orders", "scan"]);
      await vi.advanceTimersByTimeAsync(50);
    }
    expect(queries.getQueryData<number>(["orders"])).toBeGreaterThan(7);
    expect(queries.getQueryData<number>(["scan"])).toBeGreaterThan(25);
    expect(scan.asked - scan.answered).toBeLessThanOrEqual(1);
  });
});
