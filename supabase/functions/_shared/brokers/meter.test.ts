import { expect, it } from "vitest";
import type { Broker, BrokerError } from "../../../../shared/broker/port.ts";
import { refusal, success } from "../../../../shared/result.ts";
import { metered } from "./meter.ts";
import { noBroker } from "./none.ts";

const good = async () => success({ cash: "1", reservedCash: "0", observedAt: 0 });
const refused = async () => refusal<BrokerError>({ kind: "refused", code: "X", message: "no" });
const notFound = async () => refusal<BrokerError>({ kind: "not_found", message: "no" });
const throttled = async () => refusal<BrokerError>({ kind: "throttled", message: "slow down", retryAfterSeconds: 1 });

const broker = (part: Partial<Broker>) => metered("paper", { ...noBroker, ...part }, () => 0);

it("takes every definite answer for a good one", async () => {
  const one = broker({ balances: good, cancel: refused, getOrder: notFound });
  await one.balances();
  await one.cancel("a");
  await one.getOrder("a");
  expect(one.heartbeats().map(({ ok }) => ok)).toEqual([true, true, true]);
});

it("reports the last like answers in a row, at most three", async () => {
  const one = broker({ balances: good, holdings: throttled });
  await one.balances();
  for (let call = 0; call < 5; call += 1) await one.holdings();
  expect(one.heartbeats()).toHaveLength(3);
  expect(one.heartbeats()[0]).toMatchObject({
    component: "broker_api",
    mode: "paper",
    ok: false,
    details: { detail: "slow down" },
  });
});

it("still reports three errors in a row when a good answer comes after them", async () => {
  const one = broker({ balances: good, holdings: throttled });
  for (let call = 0; call < 5; call += 1) await one.holdings();
  await one.balances();
  expect(one.heartbeats().map(({ ok }) => ok)).toEqual([false, false, false, true]);
  await one.holdings();
  await one.balances();
  expect(one.heartbeats().map(({ ok }) => ok)).toEqual([false, false, false, true]);
});

it("turns what an adapter throws into an unknown outcome", async () => {
  const one = broker({ getOrder: () => Promise.reject(new TypeError("fetch failed")) });
  expect(await one.getOrder("a")).toEqual({ ok: false, error: { kind: "unavailable", message: "fetch failed" } });
  expect(one.heartbeats()).toMatchObject([{ ok: false }]);
});
