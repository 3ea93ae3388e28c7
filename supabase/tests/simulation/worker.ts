import { parentPort, workerData } from "node:worker_threads";
import type { ClusterAddress } from "../support/test-cluster.ts";
import { openArena } from "./arena.ts";
import { simulateSeed } from "./simulate-seed.ts";

const port = parentPort;
if (!port) throw new Error("worker.ts runs in a worker thread");

const arena = openArena(workerData as ClusterAddress);
port.on("message", async (seed: number | null) => {
  if (seed !== null) return port.postMessage(await simulateSeed(await arena, seed));
  await (await arena).close();
  port.close();
});
