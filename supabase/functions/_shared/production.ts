import { httpBroker } from "./brokers/http.ts";
import { noBroker } from "./brokers/none.ts";
import { paperBroker } from "./brokers/paper.ts";
import type { Environment } from "./env.ts";
import type { Log } from "./log.ts";
import { coinbaseMarket } from "./market/coinbase.ts";
import { restRpc } from "./rpc.ts";
import type { TickDeps } from "./run.ts";
import { storeOver } from "./store.ts";

const BROKER_CALLS_AT_ONCE = 8;

/** Returns what the ticks work with in a deployed function: the REST API, the market feed, and the mode's broker. */
export const productionDeps = (environment: Environment, log: Log): TickDeps => {
  const store = storeOver(restRpc(environment.supabaseUrl, environment.secretKey));
  const { liveBroker } = environment;
  return {
    store,
    market: coinbaseMarket({ url: environment.marketDataUrl }),
    brokers: (mode, context) => {
      if (mode === "paper") return paperBroker(store, context);
      return liveBroker === null ? noBroker : httpBroker({ ...liveBroker, now: context.now });
    },
    log,
    knobs: environment.knobs,
    elapsedMs: () => performance.now(),
    concurrency: BROKER_CALLS_AT_ONCE,
  };
};
