import { describe, expect, it } from "vitest";
import {
  CORRECTIONS,
  isLegalTransition,
  isLive,
  NEVER_REACHED_BROKER,
  ORDER_STATUSES,
  REOPENINGS,
  TRANSITIONS,
} from "./status.ts";

describe("the transition table", () => {
  it("is the design's, row by row", () => {
    expect(TRANSITIONS).toEqual({
      new: ["submitted", "canceled"],
      submitted: ["working", "partially_filled", "filled", "cancel_pending", "canceled", "expired", "rejected"],
      working: ["partially_filled", "filled", "cancel_pending", "canceled", "expired", "rejected"],
      partially_filled: ["partially_filled", "filled", "cancel_pending", "canceled", "expired"],
      cancel_pending: ["canceled", "filled", "expired", "rejected", "working", "partially_filled"],
      canceled: ["filled"],
      expired: ["filled"],
      rejected: ["filled", "working", "partially_filled"],
      filled: [],
    });
  });

  it("keeps what only a correction may do apart from what happens by itself", () => {
    for (const table of [CORRECTIONS, REOPENINGS]) {
      for (const from of ORDER_STATUSES) {
        for (const to of table[from] ?? []) expect(isLegalTransition(from, to), `${from} -> ${to}`).toBe(false);
      }
    }
  });

  it("never cancels an order without proof, except one that was never handed over", () => {
    expect(isLegalTransition("new", "canceled")).toBe(true);
    expect(isLegalTransition("new", "cancel_pending")).toBe(false);
  });

  it("brings a rejected order back to life only if it was thought never to have arrived", () => {
    expect(isLegalTransition("rejected", "working")).toBe(false);
    expect(isLegalTransition("rejected", "working", NEVER_REACHED_BROKER)).toBe(true);
    expect(isLegalTransition("rejected", "filled")).toBe(true);
  });

  it("lets every live status reach an end, and nothing but a late fill leave one", () => {
    for (const status of ORDER_STATUSES) {
      const ends = TRANSITIONS[status].filter((to) => !isLive(to));
      if (isLive(status)) expect(ends, status).not.toEqual([]);
      else
        expect(
          ends.filter((to) => to !== "filled"),
          status,
        ).toEqual([]);
    }
  });
});
